#include "attribution/samples.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "dialect/json.h"

namespace stillwatch::attribution {
namespace {

using base::ErrorCode;
using dialect::json::Element;
namespace json = dialect::json;

void append(std::string& text, std::string_view more) {
  if (more.empty()) return;
  if (!text.empty()) text += '\n';
  text += more;
}

std::string_view content_of(Element turn) {
  return json::text(json::first(turn, "content", "value", "text"));
}

bool is_assistant(Element turn) {
  const std::string_view role = json::text(json::first(turn, "role", "from"));
  return role == "assistant" || role == "gpt" || role == "model" || role == "bot";
}

std::vector<int32_t> tokens_of(Element record, std::string_view key) {
  std::vector<int32_t> tokens;
  json::each(json::at(record, key), [&](Element token) {
    if (const auto id = json::integer(token)) tokens.push_back(static_cast<int32_t>(*id));
  });
  return tokens;
}

// A pair of texts, or a conversation; how many samples it gave.
int read_record(Element record, const SampleReader::Sink& sink) {
  Sample sample;
  sample.tokens = tokens_of(record, "tokens");
  sample.prompt_tokens = tokens_of(record, "prompt_tokens");
  const auto field = json::first(record, "response", "answer", "completion", "output", "chosen", "text");
  const bool answered = field && field->is_string();  // if only with nothing
  const std::string_view answer = json::text(field);
  const auto turns = json::first(record, "messages", "conversations", "conversation");
  for (const std::string_view key : {"system", "prompt", "question", "instruction", "input"})
    append(sample.prompt, json::text(record, key));
  int count = 0;
  json::each(turns, [&](Element turn) {
    const std::string_view said = content_of(turn);
    if (is_assistant(turn) && !answered && !said.empty() && static_cast<size_t>(count) < base::kTurnsMax) {
      sample.answer = said;
      sink(sample);
      ++count;
    }
    append(sample.prompt, said);
  });
  if (count > 0 || (!answered && sample.tokens.empty())) return count;
  sample.answer = answer;
  sink(sample);
  return 1;
}

}  // namespace

struct SampleReader::State {
  simdjson::dom::parser parser{base::kLineBytesMax};
  std::optional<dialect::LogParser> log;  // once a line bears the marks of a log format
  bool begun = false;
};

SampleReader::SampleReader() : state_(std::make_unique<State>()) {
  if (state_->parser.allocate(1 << 16, base::kJsonDepthMax) != simdjson::SUCCESS) return;  // read() will say so
}
SampleReader::~SampleReader() = default;

base::Result<int> SampleReader::read(std::string_view line, const Sink& sink) {
  State& s = *state_;
  if (line.size() > base::kLineBytesMax) return base::fail(ErrorCode::kInput, "the line is too long");
  if (!std::exchange(s.begun, true)) {
    if (const auto format = dialect::LogParser::detect(line)) s.log.emplace(*format);
  }
  if (s.log) {
    int count = 0;
    const auto parsed = s.log->parse(line, [&](const dialect::Exchange& e) {
      if (!e.has_response || e.answer.empty()) return;
      Sample sample;
      append(sample.prompt, e.system);
      for (const dialect::Turn& turn : e.turns) append(sample.prompt, turn.text);
      sample.answer = e.answer;
      sink(sample);
      ++count;
    });
    if (!parsed) return tl::unexpected(parsed.error());
    return count;
  }
  Element record;
  if (s.parser.parse(line.data(), line.size()).get(record) != simdjson::SUCCESS || !record.is_object())
    return base::fail(ErrorCode::kInput, "not a JSON object");
  const int count = read_record(record, sink);
  if (count == 0) {
    return base::fail(ErrorCode::kInput,
                      "it holds no answer: neither `response`, `completion`, `output` or `text`, nor `messages`");
  }
  return count;
}

base::Result<std::vector<Sample>> read_samples(std::string_view text, std::string_view name) {
  std::vector<Sample> samples;
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == text.npos) return base::fail(ErrorCode::kInput, fmt::format("{} is empty", name));
  if (text[start] != '{') {
    samples.emplace_back().answer = text;
    return samples;
  }
  SampleReader reader;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const auto count = reader.read(line, [&](const Sample& sample) { samples.push_back(sample); });
    if (!count) return base::fail(ErrorCode::kInput, fmt::format("{}:{}: {}", name, number, count.error().message));
  }
  if (samples.empty()) return base::fail(ErrorCode::kInput, fmt::format("{} holds no answer", name));
  return samples;
}

}  // namespace stillwatch::attribution
