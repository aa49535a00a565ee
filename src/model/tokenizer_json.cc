// Hugging Face's tokenizer.json: reading what this module can do, refusing the rest by the name of its field.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "model/tokenizer_state.h"

namespace stillwatch::model {
namespace {

using base::ErrorCode;
using base::Result;
using Json = nlohmann::json;

constexpr std::string_view kLowLine = "\xe2\x96\x81";  // stands for a space in files of character vocabularies
constexpr std::string_view kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kModernHead = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)";
constexpr std::string_view kModernTail = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct Digits {
  std::string_view pattern;
  uint8_t max;
};
constexpr Digits kDigits[] = {{R"(\p{N})", 1}, {R"(\p{N}{1,3})", 3}};

std::string modern(std::string_view digits) {
  return fmt::format("{}{}{}", kModernHead, digits, kModernTail);
}

std::string with_spaces(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const bool line = text.starts_with(kLowLine);
    out += line ? ' ' : text[0];
    text.remove_prefix(line ? kLowLine.size() : 1);
  }
  return out;
}

std::string with_low_lines(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ') {
      out += kLowLine;
    } else {
      out += c;
    }
  }
  return out;
}

// <0x0A>
int byte_of(std::string_view name) {
  if (name.size() != 6 || !name.starts_with("<0x") || name[5] != '>') return -1;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
  const int high = digit(name[3]), low = digit(name[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

class Reader {
 public:
  Reader(const Json& root, std::string_view file) : root_(root), file_(file) {}

  Result<Tokenizer> read(std::string text) {
    const Json* model = part(root_, "model");
    if (model == nullptr) return wrong("`model` is missing");
    if (const auto type = model->find("type"); type != model->end() && *type != "BPE")
      return wrong("`model.type` is not BPE");
    for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) {
      const auto it = model->find(key);
      if (it != model->end() && !it->is_null() && *it != "" && *it != 0.0)
        return wrong(fmt::format("`model.{}` is not known here", key));
    }
    if (auto ok = read_layout(); !ok) return tl::unexpected(ok.error());
    State& s = builder_.state();
    s.by_characters = !byte_level_;
    s.whole_words = flag(*model, "ignore_merges");
    if (!byte_level_ && !flag(*model, "byte_fallback"))
      return wrong("`pre_tokenizer` has no ByteLevel and `model.byte_fallback` is not set: it cannot hold all text");
    if (auto ok = read_vocabulary(*model); !ok) return tl::unexpected(ok.error());
    if (auto ok = read_marks(); !ok) return tl::unexpected(ok.error());
    if (auto ok = read_merges(*model); !ok) return tl::unexpected(ok.error());
    return builder_.finish(std::move(text), file_);
  }

 private:
  using State = std::remove_reference_t<decltype(std::declval<TokenizerBuilder>().state())>;

  tl::unexpected<base::Error> wrong(std::string_view what) const {
    return base::fail(ErrorCode::kInput, fmt::format("{}: {}", file_, what));
  }
  static const Json* part(const Json& object, const char* key) {
    const auto it = object.find(key);
    return it != object.end() && it->is_object() ? &*it : nullptr;
  }
  static bool flag(const Json& object, const char* key) {
    const auto it = object.find(key);
    return it != object.end() && it->is_boolean() && it->get<bool>();
  }
  static std::string text(const Json& object, const char* key) {
    const auto it = object.find(key);
    return it != object.end() && it->is_string() ? it->get<std::string>() : "";
  }
  // The parts of a sequence, or the part itself.
  static std::vector<const Json*> parts(const Json& root, const char* key, const char* list) {
    const Json* one = part(root, key);
    if (one == nullptr) return {};
    if (text(*one, "type") != "Sequence") return {one};
    std::vector<const Json*> all;
    const auto it = one->find(list);
    if (it != one->end() && it->is_array()) {
      for (const Json& item : *it) {
        if (item.is_object()) all.push_back(&item);
      }
    }
    return all;
  }

  Result<void> read_layout() {
    State& s = builder_.state();
    s.split.pattern = Pattern::kWhole;
    for (const Json* p : parts(root_, "normalizer", "normalizers")) {
      const std::string type = text(*p, "type");
      if (type == "NFC") {
        s.compose = true;
      } else if (type == "Prepend" && text(*p, "prepend") == kLowLine) {
        s.leading_space = true;
      } else if (type != "Replace") {
        return wrong(fmt::format("`normalizer` {} is not known here", type.substr(0, 40)));
      }
    }
    for (const Json* p : parts(root_, "pre_tokenizer", "pretokenizers")) {
      const std::string type = text(*p, "type");
      if (type == "ByteLevel") {
        byte_level_ = true;
        if (flag(*p, "add_prefix_space")) return wrong("`pre_tokenizer.add_prefix_space` is not known here");
        if (!p->contains("use_regex") || flag(*p, "use_regex")) s.split.pattern = Pattern::kGpt2;
      } else if (type == "Digits") {
        s.split.single_digits = flag(*p, "individual_digits");
        if (!s.split.single_digits) return wrong("`pre_tokenizer` Digits without individual_digits is not known here");
      } else if (type == "Split") {
        if (auto ok = read_split(*p); !ok) return ok;
      } else if (type == "Metaspace") {
        s.leading_space = text(*p, "prepend_scheme") != "never";
      } else {
        return wrong(fmt::format("`pre_tokenizer` {} is not known here", type.substr(0, 40)));
      }
    }
    return {};
  }

  Result<void> read_split(const Json& p) {
    State& s = builder_.state();
    const Json* pattern = part(p, "pattern");
    const std::string regex = pattern != nullptr ? text(*pattern, "Regex") : "";
    if (text(p, "behavior") == "Isolated" && !flag(p, "invert")) {
      if (regex == kGpt2) {
        s.split.pattern = Pattern::kGpt2;
        return {};
      }
      for (const Digits& digits : kDigits) {
        if (regex != modern(digits.pattern)) continue;
        s.split.pattern = Pattern::kModern;
        s.split.digits_max = digits.max;
        return {};
      }
    }
    return wrong("`pre_tokenizer` Split has a pattern that is not known here (those of GPT-2, Llama 3 and Qwen2 are)");
  }

  // The bytes that a name in the vocabulary stands for; nothing if it is none.
  std::optional<std::string> bytes_of(const std::string& name) const {
    if (!byte_level_) return with_spaces(name);
    std::string bytes;
    for (std::string_view rest = name; !rest.empty();) {
      const CodePoint c = first_code_point(rest);
      const auto it = bytes_.find(std::string(rest.substr(0, c.bytes)));
      if (it == bytes_.end()) return std::nullopt;
      bytes += static_cast<char>(it->second);
      rest.remove_prefix(c.bytes);
    }
    return bytes;
  }

  Result<void> read_vocabulary(const Json& model) {
    if (byte_level_) {
      for (int b = 0; b < 256; ++b) bytes_.emplace(character_of(static_cast<unsigned char>(b)), b);
    }
    const Json* vocabulary = part(model, "vocab");
    if (vocabulary == nullptr) return wrong("`model.vocab` is missing");
    State& s = builder_.state();
    for (const auto& [name, token] : vocabulary->items()) {
      if (!token.is_number_integer()) return wrong("`model.vocab` holds something that is no token");
      const int64_t id = token.get<int64_t>();
      if (id < 0 || id >= (1 << 20)) return wrong("`model.vocab` holds a token out of bounds");
      const int byte = byte_level_ ? -1 : byte_of(name);
      auto bytes = byte >= 0 ? std::optional(std::string(1, static_cast<char>(byte))) : bytes_of(name);
      const bool plain = bytes.has_value();
      if (!plain) bytes = name;  // a special token that lies in the vocabulary
      if (byte >= 0) {
        s.byte_tokens[static_cast<size_t>(byte)] = static_cast<int32_t>(id);
        // The character itself has a token of its own, which text takes.
        if (!builder_.add_byte(static_cast<int32_t>(id), *bytes)) return wrong("`model.vocab` names a token twice");
        continue;
      }
      if (plain && byte_level_ && bytes->size() == 1)
        s.byte_tokens[static_cast<unsigned char>((*bytes)[0])] = static_cast<int32_t>(id);
      names_.emplace(name, static_cast<int32_t>(id));
      if (!builder_.add(static_cast<int32_t>(id), std::move(*bytes))) return wrong("`model.vocab` names a token twice");
    }
    return {};
  }

  Result<void> read_marks() {
    const auto added = root_.find("added_tokens");
    if (added == root_.end() || !added->is_array()) return {};
    for (const Json& token : *added) {
      const auto id = token.is_object() ? token.find("id") : token.end();
      if (!token.is_object() || id == token.end() || !id->is_number_integer() || id->get<int64_t>() < 0 ||
          id->get<int64_t>() >= (1 << 20) || text(token, "content").empty())
        return wrong("`added_tokens` holds something that is no token");
      if (!builder_.add_mark(id->get<int32_t>(), text(token, "content"), flag(token, "special")))
        return wrong("`added_tokens` holds a token out of bounds");
    }
    return {};
  }

  Result<void> read_merges(const Json& model) {
    const auto merges = model.find("merges");
    if (merges == model.end() || !merges->is_array()) return wrong("`model.merges` is missing");
    double cost = 0;
    for (const Json& merge : *merges) {
      std::string left, right;
      if (merge.is_string()) {
        const auto both = merge.get<std::string>();
        const size_t blank = both.find(' ');
        left = both.substr(0, blank);
        if (blank != std::string::npos) right = both.substr(blank + 1);
      } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
        left = merge[0].get<std::string>();
        right = merge[1].get<std::string>();
      }
      const auto a = names_.find(left), b = names_.find(right), both = names_.find(left + right);
      if (a == names_.end() || b == names_.end() || both == names_.end())
        return wrong(fmt::format("`model.merges` number {} names what the vocabulary lacks", cost));
      builder_.add_merge(a->second, b->second, {cost++, both->second});
    }
    return {};
  }

  const Json& root_;
  std::string_view file_;
  TokenizerBuilder builder_;
  bool byte_level_ = false;
  std::unordered_map<std::string, int> bytes_;
  std::unordered_map<std::string, int32_t> names_;  // as the file spells them
};

using Out = nlohmann::ordered_json;

// How the file spells a token of the vocabulary.
std::string spelt(const Tokenizer::State& s, int32_t token) {
  const std::string& piece = s.pieces[token];
  if (s.by_characters) {
    const auto byte = piece.size() == 1 ? static_cast<unsigned char>(piece[0]) : 0;
    const bool is_byte = piece.size() == 1 && s.byte_tokens[byte] == token;
    return is_byte ? fmt::format("<0x{:02X}>", byte) : with_low_lines(piece);
  }
  std::string name;
  for (const char c : piece) name += character_of(static_cast<unsigned char>(c));
  return name;
}

Out split_json(const Split& split) {
  Out parts = Out::array();
  if (split.single_digits) parts.push_back({{"type", "Digits"}, {"individual_digits", true}});
  if (split.pattern == Pattern::kModern) {
    parts.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", modern(kDigits[split.digits_max > 1 ? 1 : 0].pattern)}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  }
  parts.push_back({{"type", "ByteLevel"},
                   {"add_prefix_space", false},
                   {"trim_offsets", true},
                   {"use_regex", split.pattern == Pattern::kGpt2}});
  return {{"type", "Sequence"}, {"pretokenizers", parts}};
}

}  // namespace

std::string tokenizer_json(const Tokenizer::State& s) {
  Out root{{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"added_tokens", Out::array()}};
  std::vector<int32_t> marks = s.marks;
  std::sort(marks.begin(), marks.end());
  for (const int32_t t : marks) {
    root["added_tokens"].push_back({{"id", t},
                                    {"content", s.pieces[t]},
                                    {"single_word", false},
                                    {"lstrip", false},
                                    {"rstrip", false},
                                    {"normalized", false},
                                    {"special", static_cast<bool>(s.special[t])}});
  }
  root["normalizer"] = nullptr;
  root["pre_tokenizer"] = nullptr;
  if (s.by_characters) {
    Out parts = Out::array();
    if (s.leading_space) parts.push_back({{"type", "Prepend"}, {"prepend", kLowLine}});
    parts.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kLowLine}});
    root["normalizer"] = {{"type", "Sequence"}, {"normalizers", parts}};
  } else {
    root["pre_tokenizer"] = split_json(s.split);
  }
  root["post_processor"] = nullptr;
  if (s.by_characters) {
    root["decoder"] = {{"type", "Sequence"},
                       {"decoders",
                        {{{"type", "Replace"}, {"pattern", {{"String", kLowLine}}}, {"content", " "}},
                         {{"type", "ByteFallback"}},
                         {{"type", "Fuse"}},
                         {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}};
  } else {
    root["decoder"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  }
  Out& model = root["model"];
  model = {{"type", "BPE"},
           {"dropout", nullptr},
           {"unk_token", nullptr},
           {"continuing_subword_prefix", nullptr},
           {"end_of_word_suffix", nullptr},
           {"fuse_unk", s.by_characters},
           {"byte_fallback", s.by_characters}};
  // Objects that keep their order look keys up one by one: text is put together here instead.
  std::string vocabulary;
  for (size_t i = 0; i < s.pieces.size(); ++i) {
    const auto token = static_cast<int32_t>(i);
    if (std::find(marks.begin(), marks.end(), token) != marks.end()) continue;
    vocabulary += fmt::format("{}\n      {}: {}", vocabulary.empty() ? "" : ",", Out(spelt(s, token)).dump(), i);
  }
  std::vector<std::pair<double, uint64_t>> order;
  for (const auto& [pair, merge] : s.merges) order.emplace_back(merge.cost, pair);
  std::sort(order.begin(), order.end());
  std::string merges;
  for (const auto& [cost, pair] : order) {
    const std::string both = spelt(s, static_cast<int32_t>(pair >> 32)) + " " + spelt(s, static_cast<int32_t>(pair));
    merges += fmt::format("{}\n      {}", merges.empty() ? "" : ",", Out(both).dump());
  }
  model["vocab"] = "@vocab";
  model["merges"] = "@merges";
  std::string text = root.dump(2);
  const auto put = [&](std::string_view mark, const std::string& part) {
    text.replace(text.find(mark), mark.size(), part);
  };
  put("\"@vocab\"", "{" + vocabulary + "\n    }");
  put("\"@merges\"", "[" + merges + "\n    ]");
  return text + "\n";
}

std::string character_of(unsigned char byte) {
  const bool shown = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  int code = byte;
  if (!shown) code = 256 + (byte <= 32 ? byte : byte <= 160 ? byte - 127 + 33 : 67);
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xc0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3f))};
}

Result<Tokenizer> Tokenizer::from_json(std::string_view json, std::string_view file) {
  if (json.size() > kTokenizerBytesMax)
    return base::fail(ErrorCode::kInput, fmt::format("{} is larger than 64 MiB: this is no tokenizer.json", file));
  const Json root = Json::parse(json, nullptr, false);
  if (!root.is_object()) return base::fail(ErrorCode::kInput, fmt::format("{} is no JSON object", file));
  return Reader(root, file).read(std::string(json));
}

}  // namespace stillwatch::model
