#include "distill/harvested.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <cmath>
#include <optional>
#include <unordered_map>

#include "base/limits.h"
#include "distill/harvest_row.h"

namespace stillwatch::distill {
namespace {

using base::ErrorCode;
using base::Result;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr double kSumMax = 1.001;  // of probabilities, rounded as endpoints round them

struct ToldToken {
  std::string text;
  double logprob = 0;
  std::vector<std::pair<std::string, double>> top;
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::optional<std::string> token_text(const element& e) {
  std::string_view text;
  if (e.get(text) == simdjson::SUCCESS) return std::string(text);
  object o;
  if (e.get(o) != simdjson::SUCCESS || o["hex"].get(text) != simdjson::SUCCESS || text.size() % 2 != 0)
    return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

std::optional<std::pair<std::string, double>> token_and_logprob(const array& pair) {
  double logprob = 0;
  if (pair.at(1).get(logprob) != simdjson::SUCCESS || !std::isfinite(logprob) || logprob > 1e-3) return std::nullopt;
  auto text = token_text(pair.at(0));
  if (!text) return std::nullopt;
  return std::pair(std::move(*text), logprob);
}

// False for what is no list of tokens with their log-probabilities.
bool read_tokens(const array& list, std::vector<ToldToken>& out) {
  for (const element& e : list) {
    array entry, top;
    if (e.get(entry) != simdjson::SUCCESS || entry.size() != 3 || entry.at(2).get(top) != simdjson::SUCCESS ||
        top.size() > kAlternativesMax) {
      return false;
    }
    auto chosen = token_and_logprob(entry);
    if (!chosen) return false;
    ToldToken token{std::move(chosen->first), chosen->second, {}};
    double sum = 0;
    for (const element& alternative : top) {
      array pair;
      if (alternative.get(pair) != simdjson::SUCCESS) return false;
      auto other = token_and_logprob(pair);
      if (!other) return false;
      sum += std::exp(other->second);
      token.top.push_back(std::move(*other));
    }
    if (sum > kSumMax) return false;
    out.push_back(std::move(token));
  }
  return true;
}

class Reader {
 public:
  Reader(std::string_view file, const model::ChatTemplate& marks, const model::Tokenizer& tokenizer, bool want_known)
      : file_(file), marks_(marks), tokenizer_(tokenizer), want_known_(want_known) {
    for (size_t i = 0; i < tokenizer.size(); ++i) {
      const auto token = static_cast<int32_t>(i);
      if (!tokenizer.special(token)) by_piece_.emplace(tokenizer.piece(token), token);
    }
  }

  Result<void> read(std::string_view line, size_t number) {
    const std::string where = fmt::format("{}:{}", file_, number);
    auto conversation = model::read_conversation(line, where);
    if (!conversation) return tl::unexpected(conversation.error());
    if (const auto facts = read_row_facts(line)) {
      ++out_.bought.exchanges;
      out_.bought.prompt_tokens += facts->prompt_tokens;
      out_.bought.completion_tokens += facts->completion_tokens;
    }
    model::Example example = model::example_of(*conversation, marks_, tokenizer_);
    if (want_known_) {
      KnownTokens known(example.tokens.size());
      const auto fits = read_known(line, where, *conversation, example, known);
      if (!fits) return tl::unexpected(fits.error());
      if (!*fits) {
        ++out_.stray;
        return {};
      }
      out_.known.push_back(std::move(known));
    }
    out_.examples.push_back(std::move(example));
    return {};
  }

  Result<Harvested> finish() {
    const size_t rows = out_.examples.size() + out_.stray;
    if (rows == 0) return base::fail(ErrorCode::kInput, fmt::format("{} holds no conversations", file_));
    if (static_cast<double>(out_.stray) > kStrayRowsMax * static_cast<double>(rows)) {
      return base::fail(
          ErrorCode::kInput,
          fmt::format("{}: the log-probabilities of {} of {} rows are of tokens that are not the student's "
                      "({}): a divergence between distributions over different tokens means nothing. Give "
                      "the student the teacher's tokenizer, or learn from the texts alone (--loss tokens)",
                      file_, out_.stray, rows, first_stray_));
    }
    return std::move(out_);
  }

 private:
  // False for a row whose tokens are not the student's.
  Result<bool> read_known(std::string_view line, const std::string& where, const model::Conversation& conversation,
                          const model::Example& example, KnownTokens& known) {
    object o;
    array list;
    if (parser_.parse(line.data(), line.size()).get(o) != simdjson::SUCCESS ||
        o["logprobs"].get(list) != simdjson::SUCCESS) {
      return base::fail(ErrorCode::kInput, fmt::format("{}: `logprobs` are missing: harvest with --interface logprobs, "
                                                       "or learn from the texts alone (--loss tokens)",
                                                       where));
    }
    const model::Message& answer = conversation.back();
    size_t end = example.tokens.size() - count(marks_.end, model::Marks::kSpecial);
    const auto place = [&](const array& tokens, const std::string& text) -> Result<bool> {
      std::vector<ToldToken> told;
      if (!read_tokens(tokens, told))
        return base::fail(
            ErrorCode::kInput,
            fmt::format("{}: the log-probabilities are none: the file is damaged, harvest it anew", where));
      const size_t length = count(text, model::Marks::kText);
      if (!same_cuts(std::span(example.tokens).subspan(end - length, length), told, where)) return false;
      for (size_t i = 0; i < length; ++i) known[end - length + i] = known_of(told[i], example.tokens[end - length + i]);
      end -= length;
      return true;
    };
    auto fits = place(list, answer.content);
    if (!fits || !*fits || answer.reasoning.empty() || o["reasoning_logprobs"].get(list) != simdjson::SUCCESS)
      return fits;
    end -= count(marks_.think_end, model::Marks::kSpecial);
    return place(list, answer.reasoning);
  }
  size_t count(const std::string& text, model::Marks marks) {
    scratch_.clear();
    tokenizer_.encode(text, marks, scratch_);
    return scratch_.size();
  }
  bool same_cuts(std::span<const int32_t> mine, const std::vector<ToldToken>& told, const std::string& where) {
    for (size_t i = 0; i < std::max(mine.size(), told.size()); ++i) {
      if (i < mine.size() && i < told.size() && tokenizer_.piece(mine[i]) == told[i].text) continue;
      if (first_stray_.empty()) first_stray_ = fmt::format("{}, token {} of an answer differs first", where, i + 1);
      return false;
    }
    return true;
  }
  TopTokens known_of(const ToldToken& told, int32_t chosen) const {
    TopTokens known = {{chosen, static_cast<float>(std::min(told.logprob, 0.0))}};
    for (const auto& [text, logprob] : told.top) {
      const auto token = by_piece_.find(text);
      if (token == by_piece_.end()) continue;
      const auto same = [&](const auto& k) { return k.first == token->second; };
      if (std::none_of(known.begin(), known.end(), same))
        known.emplace_back(token->second, static_cast<float>(std::min(logprob, 0.0)));
    }
    return known;
  }

  std::string_view file_;
  const model::ChatTemplate& marks_;
  const model::Tokenizer& tokenizer_;
  bool want_known_;
  std::unordered_map<std::string_view, int32_t> by_piece_;
  simdjson::dom::parser parser_;
  std::vector<int32_t> scratch_;
  std::string first_stray_;
  Harvested out_;
};

}  // namespace

Result<Harvested> read_harvested(std::string_view text, std::string_view file, const model::ChatTemplate& marks,
                                 const model::Tokenizer& tokenizer, bool want_known) {
  Reader reader(file, marks, tokenizer, want_known);
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (auto ok = reader.read(line, number); !ok) return tl::unexpected(ok.error());
  }
  return reader.finish();
}

}  // namespace stillwatch::distill
