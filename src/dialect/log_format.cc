#include "dialect/log_format.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/limits.h"
#include "dialect/field_map.h"
#include "dialect/formats.h"
#include "dialect/identity_index.h"

namespace stillwatch::dialect {
namespace {

using base::ErrorCode;

struct Format {
  LogFormat format;
  std::string_view name;
  Problem (*read)(json::Element, ReadContext&);
};

constexpr std::array kFormats = {
    Format{LogFormat::kExchange, "exchange", read_exchange},
    Format{LogFormat::kOtel, "otel", read_otel},
    Format{LogFormat::kLitellm, "litellm", read_litellm},
    Format{LogFormat::kLangfuse, "langfuse", read_langfuse},
    Format{LogFormat::kHelicone, "helicone", read_helicone},
    Format{LogFormat::kOpenaiBatch, "openai-batch", read_openai_batch},
    Format{LogFormat::kAnthropic, "anthropic", read_anthropic},
};

bool has_any(json::Element object, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    json::Element ignored;
    if (object[key].get(ignored) == simdjson::SUCCESS) return true;
  }
  return false;
}

std::string_view why_unreadable(simdjson::error_code error) {
  switch (error) {
    case simdjson::DEPTH_ERROR:
      return "nested too deeply";
    case simdjson::UTF8_ERROR:
      return "not UTF-8";
    case simdjson::EMPTY:
      return "empty";
    case simdjson::UNCLOSED_STRING:
      return "a string is cut off";
    case simdjson::CAPACITY:
      return "too long";
    default:
      return "not JSON";
  }
}

}  // namespace

std::string_view name_of(LogFormat format) {
  for (const Format& f : kFormats) {
    if (f.format == format) return f.name;
  }
  return "map";
}

base::Result<LogFormat> log_format_named(std::string_view name) {
  std::string names;
  for (const Format& f : kFormats) {
    if (f.name == name) return f.format;
    names += fmt::format("{}, ", f.name);
  }
  return base::fail(ErrorCode::kUsage,
                    fmt::format("there is no log format `{}`; use auto, {}or map:FILE.yaml", name, names));
}

bool read_time(std::optional<json::Element> value, base::Time& out) {
  std::optional<base::Time> time;
  if (const auto number = json::number(value)) {
    time = base::from_unix_number(*number);
  } else {
    time = base::parse_rfc3339(json::text(value));
  }
  if (time) out = *time;
  return time.has_value();
}

std::optional<json::Element> Nested::open(std::optional<json::Element> value) {
  std::string_view text;
  if (!value || value->get(text) != simdjson::SUCCESS) return value;
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || (text[start] != '{' && text[start] != '[')) return value;
  if (used_ == parsers_.size()) parsers_.emplace_back(base::kLineBytesMax);
  json::Element inner;
  if (parsers_[used_].parse(text.data(), text.size()).get(inner) != simdjson::SUCCESS) return value;
  ++used_;
  return inner;
}

void ReadContext::emit() {
  Exchange& e = exchange;
  if (identities != nullptr && !e.request_id.empty()) identities->fill(e);
  ++count;
  (*sink)(e);
}

struct LogParser::State {
  LogFormat format;
  std::shared_ptr<const FieldMap> map;
  std::shared_ptr<const IdentityIndex> identities;
  simdjson::dom::parser parser{base::kLineBytesMax};
  ReadContext context;
};

LogParser::LogParser(LogFormat format, std::shared_ptr<const FieldMap> map,
                     std::shared_ptr<const IdentityIndex> identities)
    : state_(std::make_unique<State>()) {
  state_->format = format;
  state_->map = std::move(map);
  state_->identities = std::move(identities);
  // Capacity grows with the lines met; the depth is fixed.
  if (state_->parser.allocate(1 << 16, base::kJsonDepthMax) != simdjson::SUCCESS) return;  // parse() will say so
}

LogParser::~LogParser() = default;
LogParser::LogParser(LogParser&&) noexcept = default;

base::Result<int> LogParser::parse(std::string_view line, const ExchangeSink& sink) {
  State& s = *state_;
  if (line.size() > base::kLineBytesMax) return base::fail(ErrorCode::kInput, "the line is too long");
  json::Element record;
  if (const auto error = s.parser.parse(line.data(), line.size()).get(record)) {
    return base::fail(ErrorCode::kInput, std::string(why_unreadable(error)));
  }
  s.context.sink = &sink;
  s.context.identities = s.identities.get();
  s.context.count = 0;
  Problem problem;
  if (s.format == LogFormat::kMap) {
    problem = s.map->read(record, s.context);
  } else {
    problem = kFormats[static_cast<size_t>(s.format)].read(record, s.context);
  }
  if (!problem.empty()) return base::fail(ErrorCode::kInput, std::string(problem));
  return s.context.count;
}

base::Result<LogFormat> LogParser::detect(std::string_view line) {
  simdjson::dom::parser parser(base::kLineBytesMax);
  json::Element record;
  if (parser.parse(line.data(), line.size()).get(record) != simdjson::SUCCESS || !record.is_object()) {
    return base::fail(ErrorCode::kInput, "the first line is not a JSON object: name the format with --format");
  }
  if (has_any(record, {"resourceSpans", "resourceLogs", "scopeSpans", "attributes", "startTimeUnixNano"}))
    return LogFormat::kOtel;
  if (has_any(record, {"time"}) && has_any(record, {"request"})) return LogFormat::kExchange;
  if (has_any(record, {"request_body", "requestBody", "request_created_at"})) return LogFormat::kHelicone;
  if (has_any(record, {"custom_id"})) {
    if (has_any(record, {"params", "result"})) return LogFormat::kAnthropic;
    return LogFormat::kOpenaiBatch;
  }
  if (has_any(record, {"model_parameters", "call_type", "litellm_call_id", "litellm_params", "messages"}) &&
      has_any(record, {"startTime"})) {
    return LogFormat::kLitellm;
  }
  if (has_any(record, {"traceId", "trace_id", "usageDetails"}) && has_any(record, {"input"}))
    return LogFormat::kLangfuse;
  if (has_any(record, {"request"}) && has_any(record, {"response"})) return LogFormat::kAnthropic;
  return base::fail(ErrorCode::kInput,
                    "the log's format is not known: name it with --format, or describe it with map:FILE.yaml");
}

}  // namespace stillwatch::dialect
