#include "model/tokenizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <queue>

#include "model/tokenizer_state.h"

namespace stillwatch::model {
namespace {

struct Symbol {
  int32_t token;
  int32_t before, behind;  // its neighbours, -1 at the ends
};

struct Candidate {
  double cost;
  int32_t at;           // the left symbol
  int32_t left, right;  // the tokens it was made for
  Merge merge;
  // Lowest cost first, then leftmost.
  bool operator<(const Candidate& other) const { return cost != other.cost ? cost > other.cost : at > other.at; }
};

// Merges neighbours until no pair is known any more; appends what is left.
void merge_all(std::vector<Symbol>& symbols, const std::unordered_map<uint64_t, Merge>& merges,
               std::vector<int32_t>& out) {
  std::priority_queue<Candidate> queue;
  const auto look = [&](int32_t at) {
    if (at < 0 || symbols[at].behind < 0) return;
    const int32_t left = symbols[at].token;
    const int32_t right = symbols[symbols[at].behind].token;
    const auto it = merges.find(pair_of(left, right));
    if (it != merges.end()) queue.push({it->second.cost, at, left, right, it->second});
  };
  const auto size = static_cast<int32_t>(symbols.size());
  for (int32_t i = 0; i < size; ++i) {
    symbols[i].before = i - 1;
    symbols[i].behind = i + 1 < size ? i + 1 : -1;
  }
  for (int32_t i = 0; i < size; ++i) look(i);
  while (!queue.empty()) {
    const Candidate c = queue.top();
    queue.pop();
    Symbol& left = symbols[c.at];
    if (left.token != c.left || left.behind < 0 || symbols[left.behind].token != c.right) continue;  // merged since
    Symbol& right = symbols[left.behind];
    left.token = c.merge.token;
    left.behind = right.behind;
    right.token = -1;
    if (left.behind >= 0) symbols[left.behind].before = c.at;
    look(c.at);
    look(left.before);
  }
  for (int32_t i = size > 0 ? 0 : -1; i >= 0; i = symbols[i].behind) out.push_back(symbols[i].token);
}

std::string composed(std::string_view text) {
  utf8proc_uint8_t* out = nullptr;
  const auto n =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &out, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(out, std::free);
  if (n < 0) return std::string(text);  // no UTF-8: left as it is
  return {reinterpret_cast<const char*>(out), static_cast<size_t>(n)};
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

bool TokenizerBuilder::add(int32_t token, std::string bytes) {
  const std::string key = bytes;
  if (!add_byte(token, std::move(bytes))) return false;
  s_.tokens.emplace(key, token);
  return true;
}

bool TokenizerBuilder::add_byte(int32_t token, std::string bytes) {
  if (token < 0 || token >= (1 << 20)) return false;
  const auto at = static_cast<size_t>(token);
  if (at >= s_.pieces.size()) {
    s_.pieces.resize(at + 1);
    s_.special.resize(at + 1);
    taken_.resize(at + 1);
  }
  if (taken_[at]) return false;
  taken_[at] = true;
  s_.pieces[at] = std::move(bytes);
  return true;
}

bool TokenizerBuilder::add_mark(int32_t token, std::string name, bool special) {
  const auto at = static_cast<size_t>(token);
  if (token >= 0 && at < taken_.size() && taken_[at]) {
    s_.tokens.erase(s_.pieces[at]);  // some files have them in the vocabulary too
    s_.pieces[at] = std::move(name);
  } else if (!add_byte(token, std::move(name))) {
    return false;
  }
  s_.special[at] = special;
  s_.marks.push_back(token);
  return true;
}

base::Result<Tokenizer> TokenizerBuilder::finish(std::string json, std::string_view file) {
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (!taken_[i])
      return base::fail(base::ErrorCode::kInput, fmt::format("{}: the vocabulary has no token {}", file, i));
  }
  std::sort(s_.marks.begin(), s_.marks.end(), [&](int32_t a, int32_t b) {
    const size_t x = s_.pieces[a].size(), y = s_.pieces[b].size();
    return x != y ? x > y : a < b;
  });
  std::erase_if(s_.marks, [&](int32_t t) { return s_.pieces[t].empty(); });
  for (const int32_t mark : s_.marks) s_.mark_begins[static_cast<unsigned char>(s_.pieces[mark][0])] = true;

  uint64_t print =
      base::combine(s_.by_characters * 8 + s_.leading_space * 4 + s_.whole_words * 2 + s_.compose,
                    static_cast<uint64_t>(s_.split.pattern) * 512 + s_.split.digits_max * 2 + s_.split.single_digits);
  for (size_t i = 0; i < s_.pieces.size(); ++i) print = base::combine(print, base::hash64(s_.pieces[i], s_.special[i]));
  for (const int32_t mark : s_.marks) print = base::combine(print, static_cast<uint64_t>(mark));
  // Costs differ between files for the same order, so only the order counts.
  std::vector<std::pair<double, uint64_t>> order;
  for (const auto& [pair, merge] : s_.merges) order.emplace_back(merge.cost, pair);
  std::sort(order.begin(), order.end());
  for (const auto& [cost, pair] : order) print = base::combine(print, pair);
  s_.fingerprint = print;
  s_.json = json.empty() ? tokenizer_json(s_) : std::move(json);
  return Tokenizer(std::make_shared<const Tokenizer::State>(std::move(s_)));
}

Tokenizer::Tokenizer(std::shared_ptr<const State> state) : state_(std::move(state)) {}

void Tokenizer::encode(std::string_view text, Marks marks, std::vector<int32_t>& out) const {
  const State& s = *state_;
  std::vector<Symbol> symbols;
  const auto encode_word = [&](std::string_view word) {
    if (s.whole_words) {
      const auto it = s.tokens.find(word);
      if (it != s.tokens.end()) return out.push_back(it->second);
    }
    symbols.clear();
    const auto add_byte = [&](char c) {
      const int32_t token = s.byte_tokens[static_cast<unsigned char>(c)];
      if (token >= 0) symbols.push_back({token, 0, 0});
    };
    while (!word.empty()) {
      const size_t n = s.by_characters ? first_code_point(word).bytes : 1;
      const auto it = s.by_characters ? s.tokens.find(word.substr(0, n)) : s.tokens.end();
      if (it != s.tokens.end()) {
        symbols.push_back({it->second, 0, 0});
      } else {
        for (const char c : word.substr(0, n)) add_byte(c);
      }
      word.remove_prefix(n);
    }
    merge_all(symbols, s.merges, out);
  };
  const auto encode_part = [&](std::string_view part, bool first) {
    if (part.empty()) return;
    std::string changed;
    if (s.compose && !is_ascii(part)) {
      changed = composed(part);
      part = changed;
    }
    if (s.leading_space && first) {
      changed = " " + std::string(part);
      part = changed;
    }
    each_word(part, s.split, encode_word);
  };
  size_t from = 0;
  if (marks == Marks::kSpecial) {
    for (size_t at = 0; at < text.size();) {
      const auto stands = [&](int32_t t) { return text.substr(at).starts_with(s.pieces[t]); };
      const auto it = s.mark_begins[static_cast<unsigned char>(text[at])]
                          ? std::find_if(s.marks.begin(), s.marks.end(), stands)
                          : s.marks.end();
      if (it == s.marks.end()) {
        ++at;
        continue;
      }
      encode_part(text.substr(from, at - from), from == 0);
      out.push_back(*it);
      at += s.pieces[*it].size();
      from = at;
    }
  }
  encode_part(text.substr(from), from == 0);
}

std::string Tokenizer::decode(std::span<const int32_t> tokens) const {
  std::string text;
  for (const int32_t t : tokens) {
    if (t >= 0 && static_cast<size_t>(t) < size() && !state_->special[t]) text += state_->pieces[t];
  }
  if (state_->leading_space && text.starts_with(' ')) text.erase(0, 1);
  return text;
}

std::string_view Tokenizer::piece(int32_t token) const {
  return token >= 0 && static_cast<size_t>(token) < size() ? std::string_view(state_->pieces[token]) : "";
}

bool Tokenizer::special(int32_t token) const {
  return token >= 0 && static_cast<size_t>(token) < size() && state_->special[token];
}

int32_t Tokenizer::find_special(std::string_view name) const {
  for (const int32_t t : state_->marks) {
    if (state_->pieces[t] == name) return t;
  }
  return -1;
}

size_t Tokenizer::size() const {
  return state_->pieces.size();
}
bool Tokenizer::leading_space() const {
  return state_->leading_space;
}
uint64_t Tokenizer::fingerprint() const {
  return state_->fingerprint;
}
const std::string& Tokenizer::json() const {
  return state_->json;
}

}  // namespace stillwatch::model
