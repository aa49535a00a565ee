#include "attribution/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/limits.h"
#include "dialect/json.h"

namespace stillwatch::attribution {
namespace {

using base::ErrorCode;
using base::Result;
using dialect::json::Element;
using watermark::Unit;
using watermark::Units;
namespace json = dialect::json;

// "token_id:17"
std::optional<Unit> id_of(std::string_view token) {
  constexpr std::string_view kPrefix = "token_id:";
  if (!token.starts_with(kPrefix)) return std::nullopt;
  token.remove_prefix(kPrefix.size());
  uint32_t id = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), id);
  if (error != std::errc() || end != token.data() + token.size()) return std::nullopt;
  return id;
}

// The likeliest of {"token": logprob, ...}; empty if there is none.
std::string_view likeliest(Element tops) {
  std::string_view best;
  double highest = -1e300;
  simdjson::dom::object object;
  if (tops.get(object) != simdjson::SUCCESS) return best;
  for (const auto& field : object) {
    const auto logprob = json::number(field.value);
    if (!logprob || *logprob <= highest) continue;
    highest = *logprob;
    best = field.key;
  }
  return best;
}

bool begins_word(std::string_view text) {
  return !text.empty() && watermark::words_of(text.substr(0, 1)).empty() &&
         (static_cast<unsigned char>(text[0]) < 0x80);
}

// The text read so far, and the contexts in it that a suspect could have seen continued.
class Reader {
 public:
  Reader(Units units, watermark::Windows& windows) : units_(units), windows_(windows) {}

  // The suspect expects `next` here.
  void expect(std::string_view next) {
    const auto context = static_cast<size_t>(windows_.context());
    std::vector<Unit> window;
    if (units_ == Units::kTokens) {
      const auto id = id_of(next);
      if (!id || ids_.size() < context) return;
      window.assign(ids_.end() - windows_.context(), ids_.end());
      window.push_back(*id);
    } else {
      // Only where one word has ended and another begins.
      if (!begins_word(next) && !(tail_.empty() || begins_word(std::string_view(tail_).substr(tail_.size() - 1))))
        return;
      const std::vector<Unit> said = watermark::words_of(next);
      std::vector<Unit> read = watermark::words_of(tail_);
      if (said.empty() || read.size() < context + (cut_ ? 1 : 0)) return;
      window.assign(read.end() - windows_.context(), read.end());
      window.push_back(said.front());
    }
    ++places_;
    if (met_.contains(watermark::hash_of(std::span(window).first(context)))) return;
    windows_.add_window(window);
  }

  void read(std::string_view token) {
    if (units_ == Units::kTokens) {
      if (const auto id = id_of(token)) ids_.push_back(*id);
      remember(ids_);
      return;
    }
    tail_ += token;
    constexpr size_t kTailBytes = 512;  // more than a context of words has
    if (tail_.size() > 2 * kTailBytes) {
      tail_.erase(0, tail_.size() - kTailBytes);
      cut_ = true;
    }
    remember(watermark::words_of(tail_));
  }
  size_t places() const { return places_; }

 private:
  // The context that the last unit has now followed.
  void remember(const std::vector<Unit>& read) {
    const auto context = static_cast<size_t>(windows_.context());
    if (read.size() <= context) return;
    met_.insert(watermark::hash_of(std::span(read).subspan(read.size() - 1 - context, context)));
  }

  Units units_;
  watermark::Windows& windows_;
  std::vector<Unit> ids_;
  std::string tail_;
  bool cut_ = false;  // the first word of the tail may be a part of one
  watermark::FlatSet<uint64_t> met_;
  size_t places_ = 0;
};

Result<size_t> read_completion(Element body, Units units, watermark::Windows& windows) {
  const auto choices = json::at(body, "choices");
  Element choice;
  if (!choices || choices->at(0).get(choice) != simdjson::SUCCESS)
    return base::fail(ErrorCode::kInput, "it is no answer of /v1/completions: it has no `choices`");
  const auto logprobs = json::at(choice, "logprobs");
  simdjson::dom::array tokens;
  simdjson::dom::array tops;
  const auto array_of = [&](const char* key, simdjson::dom::array& out) {
    const auto value = logprobs ? json::at(*logprobs, key) : std::nullopt;
    return value && value->get(out) == simdjson::SUCCESS;
  };
  if (!array_of("tokens", tokens) || !array_of("top_logprobs", tops) || tokens.size() != tops.size()) {
    return base::fail(
        ErrorCode::kInput,
        "it holds no `logprobs` with `tokens` and `top_logprobs`: ask /v1/completions with \"echo\": true "
        "and \"logprobs\": 1, of a server that supports both");
  }
  Reader reader(units, windows);
  auto top = tops.begin();
  for (const Element token : tokens) {
    std::string_view text;
    if (token.get(text) != simdjson::SUCCESS) text = {};
    if (units == Units::kTokens && !id_of(text)) {
      return base::fail(ErrorCode::kInput,
                        "its tokens are not named by id (\"token_id:N\"), which a mark of tokens needs: ask with "
                        "\"return_tokens_as_token_ids\": true");
    }
    reader.expect(likeliest(*top));
    reader.read(text);
    ++top;
  }
  return reader.places();
}

Result<size_t> read_choice(Element record, Units units, watermark::Windows& windows) {
  const auto context = static_cast<size_t>(windows.context());
  std::vector<Unit> window;
  if (units == Units::kWords) {
    window = watermark::words_of(json::text(record, "context"));
    const auto next = watermark::words_of(json::text(record, "next"));
    if (next.empty()) return 0;
    window.push_back(next.front());
  } else {
    json::each(json::at(record, "context"), [&](Element token) {
      if (const auto id = json::integer(token)) window.push_back(static_cast<uint32_t>(*id));
    });
    const auto next = json::integer(record, "next");
    if (!next) return base::fail(ErrorCode::kInput, "a choice of tokens has the id of the next one in `next`");
    window.push_back(static_cast<uint32_t>(*next));
  }
  if (window.size() < context + 1) return 0;
  // What came before in the same text may have shown how this context goes on.
  const auto last = std::span(window).last(context + 1);
  for (size_t i = 0; i + context + 1 < window.size(); ++i) {
    if (std::equal(last.begin(), last.end() - 1, window.begin() + static_cast<std::ptrdiff_t>(i))) return 1;
  }
  windows.add_window(last);
  return 1;
}

Result<Element> parse(simdjson::dom::parser& parser, std::string_view text) {
  Element record;
  if (text.size() > base::kLineBytesMax || parser.allocate(1 << 16, base::kJsonDepthMax) != simdjson::SUCCESS ||
      parser.parse(text.data(), text.size()).get(record) != simdjson::SUCCESS || !record.is_object())
    return base::fail(ErrorCode::kInput, "not a JSON object");
  return record;
}

}  // namespace

Result<size_t> add_reading(std::string_view body, Units units, watermark::Windows& windows) {
  simdjson::dom::parser parser;
  const auto record = parse(parser, body);
  if (!record) return tl::unexpected(record.error());
  return read_completion(*record, units, windows);
}

Result<size_t> add_choice(std::string_view line, Units units, watermark::Windows& windows) {
  simdjson::dom::parser parser;
  const auto record = parse(parser, line);
  if (!record) return tl::unexpected(record.error());
  if (!json::at(*record, "context") || !json::at(*record, "next"))
    return base::fail(ErrorCode::kInput, "a choice is {\"context\": TEXT, \"next\": TEXT}");
  return read_choice(*record, units, windows);
}

Result<size_t> add_readings(std::string_view text, std::string_view name, Units units, watermark::Windows& windows) {
  simdjson::dom::parser parser;
  size_t places = 0;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const auto added =
        line.find("\"choices\"") != line.npos ? add_reading(line, units, windows) : add_choice(line, units, windows);
    if (!added) return base::fail(added.error().code, fmt::format("{}:{}: {}", name, number, added.error().message));
    places += *added;
  }
  return places;
}

}  // namespace stillwatch::attribution
