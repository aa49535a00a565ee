#include "attribution/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
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

using Tops = std::vector<std::pair<std::string_view, double>>;

// The likeliest of {"token": logprob, ...} with their probabilities.
Tops tops_of(Element element) {
  Tops tops;
  simdjson::dom::object object;
  if (element.get(object) != simdjson::SUCCESS) return tops;
  for (const auto& field : object) {
    if (const auto logprob = json::number(field.value)) tops.emplace_back(field.key, std::exp(std::min(*logprob, 0.0)));
  }
  std::stable_sort(tops.begin(), tops.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  tops.resize(std::min(tops.size(), kTopsMax));
  return tops;
}

bool separates(char c) {
  return static_cast<unsigned char>(c) < 0x80 && watermark::words_of({&c, 1}).empty();
}

// A text as a model read it, and what it expected in it.
class Reader {
 public:
  explicit Reader(const watermark::MarkEvidence& mark)
      : units_(mark.units), context_(static_cast<size_t>(mark.mark.context)) {}

  // The model expects one of these here.
  void expect(const Tops& tops) {
    if (read_.size() < context_ + (cut() ? 1 : 0)) return;
    Place place;
    for (size_t i = 0; i < tops.size(); ++i) {
      const auto unit = units_ == Units::kTokens ? id_of(tops[i].first) : word_begun_by(tops[i].first);
      if (unit && tops[i].second > 0) {
        place.next.emplace_back(*unit, tops[i].second);
      } else if (i == 0) {
        place.said = false;
      }
    }
    if (place.next.empty()) return;
    place.before.assign(read_.end() - static_cast<std::ptrdiff_t>(context_), read_.end());
    place.said = place.said && !met_.contains(watermark::hash_of(place.before));
    places.push_back(std::move(place));
  }

  void read(Unit token) {
    read_.push_back(token);
    remember();
  }
  void read(std::string_view token) {
    text_ += token;
    read_ = watermark::words_of(cut() ? std::string_view(text_).substr(text_.size() - kTailBytes) : text_);
    remember();
  }

  bool quotes(const watermark::Filter& filter) const {
    return filter.quoted_in(units_ == Units::kTokens ? read_ : watermark::words_of(text_), static_cast<int>(context_));
  }

  std::vector<Place> places;

 private:
  static constexpr size_t kTailBytes = 512;  // more than a context of words has

  bool cut() const { return text_.size() > kTailBytes; }  // the first word that was read may be a part of one
  // Only where one word has ended and another begins.
  std::optional<Unit> word_begun_by(std::string_view token) const {
    const std::vector<Unit> words = watermark::words_of(token);
    if (words.empty() || !(text_.empty() || separates(text_.back()) || separates(token.front()))) return std::nullopt;
    return words.front();
  }
  // The context that the last unit has now followed.
  void remember() {
    if (read_.size() > context_)
      met_.insert(watermark::hash_of(std::span(read_).subspan(read_.size() - 1 - context_, context_)));
  }

  Units units_;
  size_t context_;
  std::string text_;        // of words, all
  std::vector<Unit> read_;  // of words, those of its last bytes
  watermark::FlatSet<uint64_t> met_;
};

bool by_ids(simdjson::dom::array tokens) {
  std::string_view first;
  return tokens.at(0).get(first) == simdjson::SUCCESS && id_of(first);
}

// Of one completion; nothing if its tokens are named in the other way.
Result<std::optional<Reader>> read_completion(Element body, const watermark::MarkEvidence& mark) {
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
        "and \"logprobs\": 5, of a server that supports both");
  }
  const bool of_tokens = mark.units == Units::kTokens;
  if (by_ids(tokens) != of_tokens) return std::nullopt;
  Reader reader(mark);
  auto top = tops.begin();
  for (const Element token : tokens) {
    std::string_view text;
    const bool named = token.get(text) == simdjson::SUCCESS;
    const auto id = id_of(text);
    if (!named || (of_tokens && !id)) return base::fail(ErrorCode::kInput, "one of its tokens has no name");
    reader.expect(tops_of(*top));
    if (of_tokens) {
      reader.read(*id);
    } else {
      reader.read(text);
    }
    ++top;
  }
  return reader;
}

// A context, and the one unit that is said after it.
Result<std::optional<Reader>> read_choice(Element record, const watermark::MarkEvidence& mark) {
  const auto context = json::at(record, "context"), next = json::at(record, "next");
  if (!context || !next) return base::fail(ErrorCode::kInput, "a choice is {\"context\": TEXT, \"next\": TEXT}");
  if (context->is_array() != (mark.units == Units::kTokens)) return std::nullopt;
  Reader reader(mark);
  if (mark.units == Units::kTokens) {
    const auto id = json::integer(next);
    if (!id) return base::fail(ErrorCode::kInput, "a choice of tokens has the id of the next one in `next`");
    json::each(context, [&](Element token) {
      if (const auto read = json::integer(token)) reader.read(static_cast<Unit>(*read));
    });
    reader.expect({{fmt::format("token_id:{}", *id), 1.0}});
  } else {
    reader.read(fmt::format("{} ", json::text(context)));  // what is next is a word of its own
    reader.expect({{json::text(next), 1.0}});
  }
  return reader;
}

std::vector<Place>* places_of(Element record, Readings& readings) {
  const auto by = json::at(record, "by");
  const std::string_view whose = json::text(by);
  if (!by || whose == "suspect") return &readings.suspect;
  if (whose == "reference") return &readings.reference;
  constexpr std::string_view kClean = "clean:";
  if (!whose.starts_with(kClean) || whose.size() == kClean.size()) return nullptr;
  const std::string_view name = whose.substr(kClean.size());
  for (ReadBy& model : readings.clean) {
    if (model.name == name) return &model.places;
  }
  return &readings.clean.emplace_back(ReadBy{std::string(name), {}}).places;
}

}  // namespace

Result<void> read_readings(std::string_view text, std::string_view name, const watermark::MarkEvidence& mark,
                           Readings& into) {
  simdjson::dom::parser parser;
  size_t number = 0, fit = 0, unfit = 0;
  const auto broken = [&](std::string_view why) {
    return base::fail(ErrorCode::kInput, fmt::format("{}:{}: {}", name, number, why));
  };
  if (parser.allocate(1 << 16, base::kJsonDepthMax) != simdjson::SUCCESS)
    return base::fail(ErrorCode::kInternal, "no memory to read JSON in");
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    Element record;
    if (line.size() > base::kLineBytesMax || parser.parse(line.data(), line.size()).get(record) != simdjson::SUCCESS ||
        !record.is_object())
      return broken("not a JSON object");
    std::vector<Place>* places = places_of(record, into);
    if (places == nullptr) return broken("`by` is neither \"suspect\", \"reference\" nor \"clean:NAME\"");
    auto read = json::at(record, "choices") ? read_completion(record, mark) : read_choice(record, mark);
    if (!read) return broken(read.error().message);
    if (!*read) {
      ++unfit;
      continue;
    }
    ++fit;
    if ((*read)->quotes(mark.filter)) {
      ++into.quoting;
      continue;
    }
    places->insert(places->end(), std::make_move_iterator((*read)->places.begin()),
                   std::make_move_iterator((*read)->places.end()));
  }
  if (fit > 0 || unfit == 0) return {};
  return base::fail(
      ErrorCode::kInput,
      mark.units == Units::kTokens
          ? fmt::format("{}: its tokens are not named by id (\"token_id:N\"), which a mark of tokens needs: ask with "
                        "\"return_tokens_as_token_ids\": true",
                        name)
          : fmt::format("{}: its tokens are named by id, and this mark is of words: ask without "
                        "\"return_tokens_as_token_ids\"",
                        name));
}

}  // namespace stillwatch::attribution
