// OpenTelemetry GenAI: OTLP/JSON (resourceSpans, resourceLogs) and one span or record a line, attributes as key/value
// arrays or as plain maps; messages as attributes (gen_ai.input.messages), or as events (gen_ai.user.message, ...).
#include <charconv>
#include <unordered_map>
#include <vector>

#include "dialect/formats.h"

namespace stillwatch::dialect {
namespace {

using json::Element;

// An OTLP AnyValue ({"stringValue": ...}) as the element inside; anything else as it is.
std::optional<Element> plain(std::optional<Element> value) {
  if (!value || !value->is_object()) return value;
  for (const char* key : {"stringValue", "intValue", "doubleValue", "boolValue"}) {
    if (const auto inner = json::at(*value, key)) return inner;
  }
  return value;
}

std::optional<Element> attribute(std::optional<Element> attributes, std::string_view name) {
  if (!attributes) return std::nullopt;
  if (attributes->is_object()) return plain(json::at(*attributes, name));
  std::optional<Element> found;
  json::each(attributes, [&](Element pair) {
    if (!found && json::text(pair, "key") == name) found = plain(json::at(pair, "value"));
  });
  return found;
}

// A member of a structured value: of a JSON object or of an OTLP key/value list.
std::optional<Element> member(Element value, std::string_view name) {
  if (const auto list = json::at(value, "kvlistValue")) return attribute(json::at(*list, "values"), name);
  return json::at(value, name);
}

template <typename... Names>
std::optional<Element> first_attribute(std::optional<Element> attributes, Names... names) {
  std::optional<Element> found;
  ((found = attribute(attributes, names)).has_value() || ...);
  return found;
}

// 64-bit integers are strings in OTLP/JSON.
std::optional<double> numeric(std::optional<Element> value) {
  if (const auto number = json::number(value)) return number;
  const std::string_view digits = json::text(value);
  double parsed = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return parsed;
}

bool read_nanos(std::optional<Element> value, base::Time& out) {
  if (const auto number = numeric(value)) {
    const auto time = base::from_unix_number(*number);
    if (time) out = *time;
    return time.has_value();
  }
  return read_time(value, out);
}

void read_attributes(std::optional<Element> a, ReadContext& context) {
  Exchange& e = context.exchange;
  const auto text = [&](std::string_view& field, auto... names) {
    if (const std::string_view found = json::text(first_attribute(a, names...)); !found.empty()) field = found;
  };
  text(e.account, "gen_ai.request.api_key_hash", "stillwatch.account", "account.id", "user.id", "enduser.id");
  text(e.user, "enduser.id", "user.id", "session.id");
  text(e.organization, "organization.id", "tenant.id", "gen_ai.openai.organization");
  text(e.network, "client.address", "net.peer.ip", "http.client_ip", "source.address");
  text(e.client, "user_agent.original", "http.user_agent");
  text(e.model, "gen_ai.request.model", "gen_ai.response.model");
  text(e.request_id, "gen_ai.response.id", "http.request.header.x-request-id");
  const auto number = [&](auto& field, auto... names) {
    if (const auto found = numeric(first_attribute(a, names...)); found && *found >= -1e15 && *found <= 1e15) {
      field = static_cast<typename std::remove_reference_t<decltype(field)>::value_type>(*found);
    }
  };
  number(e.sampling.temperature, "gen_ai.request.temperature");
  number(e.sampling.top_p, "gen_ai.request.top_p");
  number(e.sampling.max_tokens, "gen_ai.request.max_tokens");
  number(e.sampling.choices, "gen_ai.request.choice.count");
  number(e.sampling.seed, "gen_ai.request.seed", "gen_ai.openai.request.seed");
  number(e.prompt_tokens, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens");
  number(e.output_tokens, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens");
  if (const auto status = numeric(first_attribute(a, "http.response.status_code", "http.status_code"));
      status && *status < 1000) {
    e.status = static_cast<int>(*status);
  } else if (attribute(a, "error.type")) {
    e.status = 500;
  }
  if (const auto system = context.nested.open(first_attribute(a, "gen_ai.system_instructions"))) {
    e.system = context.arena.join(e.system, read_content(system, context.arena).text);
  }
  if (const auto input = context.nested.open(first_attribute(a, "gen_ai.input.messages", "gen_ai.prompt"))) {
    if (input->is_array()) {
      json::each(input, [&](Element message) { read_message(message, context.arena, e); });
    } else {
      read_message(*input, context.arena, e);
    }
  }
  if (const auto output = context.nested.open(first_attribute(a, "gen_ai.output.messages", "gen_ai.completion"))) {
    const auto answer = [&](Element message) {
      const Content content = read_content(
          message.is_object() ? json::first(message, "parts", "content") : std::optional(message), context.arena);
      e.answer = context.arena.join(e.answer, content.text);
      e.reasoning = context.arena.join(e.reasoning, content.reasoning);
      e.answer_tool_calls += content.tool_calls;
    };
    if (output->is_array()) {
      json::each(output, answer);
    } else {
      answer(*output);
    }
    e.has_response = true;
  }
}

// The older events: the name says the role, the body or the attributes hold the message.
void read_event(std::string_view name, std::optional<Element> body, std::optional<Element> attributes,
                ReadContext& context) {
  Exchange& e = context.exchange;
  if (name == "gen_ai.client.inference.operation.details") {
    read_attributes(attributes, context);
    return;
  }
  const auto opened = context.nested.open(plain(body));
  const auto content = [&] {
    if (opened && opened->is_object()) {
      const auto message = member(*opened, "message");
      return read_content(member(message.value_or(*opened), "content"), context.arena);
    }
    if (opened) return read_content(opened, context.arena);
    return read_content(first_attribute(attributes, "content", "gen_ai.event.content", "gen_ai.prompt"), context.arena);
  };
  if (name == "gen_ai.system.message") {
    e.system = context.arena.join(e.system, content().text);
  } else if (name == "gen_ai.user.message" || name == "gen_ai.content.prompt") {
    e.turns.push_back({Role::kUser, content().text, 0, 0});
  } else if (name == "gen_ai.assistant.message") {
    e.turns.push_back({Role::kAssistant, content().text, 0, 0});
  } else if (name == "gen_ai.tool.message") {
    e.turns.push_back({Role::kTool, content().text, 0, 0});
  } else if (name == "gen_ai.choice" || name == "gen_ai.content.completion") {
    e.answer = context.arena.join(e.answer, content().text);
    e.has_response = true;
  }
}

bool read_start(Element span, base::Time& out) {
  return read_nanos(json::first(span, "startTimeUnixNano", "start_time_unix_nano", "timeUnixNano",
                                "observedTimeUnixNano", "start_time", "startTime", "timestamp"),
                    out);
}

std::string_view event_name(Element record) {
  const std::string_view name = json::text(json::first(record, "eventName", "event_name"));
  return name.empty() ? json::text(attribute(json::at(record, "attributes"), "event.name")) : name;
}

// The attributes of a span or record, and the event that a record is.
void read_record(Element record, ReadContext& context) {
  const auto attributes = json::at(record, "attributes");
  read_attributes(attributes, context);
  if (const std::string_view name = event_name(record); !name.empty())
    read_event(name, json::at(record, "body"), attributes, context);
}

// Emits what a span or a record of a whole operation holds; spans of other kinds hold nothing and are no error.
void read_span(Element span, std::optional<Element> resource, ReadContext& context) {
  context.clear();
  Exchange& e = context.exchange;
  if (!read_start(span, e.time)) return;
  read_attributes(resource, context);
  read_record(span, context);
  json::each(json::at(span, "events"), [&](Element event) {
    read_event(json::text(event, "name"), json::at(event, "body"), json::at(event, "attributes"), context);
  });
  if (const auto status = json::at(span, "status"); status && status->is_object()) {
    const auto code = json::first(*status, "code", "status_code");
    if ((json::integer(code).value_or(0) == 2 || json::text(code) == "ERROR" ||
         json::text(code) == "STATUS_CODE_ERROR") &&
        e.status < 400) {
      e.status = 500;
    }
  }
  if (!e.turns.empty() || !e.system.empty()) context.emit();
}

// Records of one message each, which their span holds together; the earliest names the time.
void read_operation(const std::vector<Element>& records, std::optional<Element> resource, ReadContext& context) {
  context.clear();
  if (!read_start(records.front(), context.exchange.time)) return;
  read_attributes(resource, context);
  for (const Element record : records) read_record(record, context);
  if (!context.exchange.turns.empty() || !context.exchange.system.empty()) context.emit();
}

// Records are joined within one export: exporters write the events of a call in one go.
void read_log_records(std::optional<Element> records, std::optional<Element> resource, ReadContext& context) {
  constexpr std::string_view kWhole = "gen_ai.client.inference.operation.details";
  std::unordered_map<std::string_view, size_t> places;  // by the span's id
  std::vector<std::vector<Element>> operations;
  json::each(records, [&](Element record) {
    const std::string_view name = event_name(record);
    const std::string_view span = json::text(json::first(record, "spanId", "span_id"));
    if (span.empty() || !name.starts_with("gen_ai.") || name == kWhole) return read_span(record, resource, context);
    const auto [place, fresh] = places.try_emplace(span, operations.size());
    if (fresh) operations.emplace_back();
    operations[place->second].push_back(record);
  });
  for (const auto& operation : operations) read_operation(operation, resource, context);
}

}  // namespace

Problem read_otel(Element record, ReadContext& context) {
  bool known = false;
  const auto each_scope = [&](const char* outer, const char* scope, auto visit) {
    json::each(json::at(record, outer), [&](Element resource) {
      known = true;
      const auto about = json::at(resource, "resource");
      const auto attributes = about ? json::at(*about, "attributes") : std::nullopt;
      json::each(json::at(resource, scope), [&](Element scoped) { visit(scoped, attributes); });
    });
  };
  each_scope("resourceSpans", "scopeSpans", [&](Element scoped, std::optional<Element> resource) {
    json::each(json::at(scoped, "spans"), [&](Element span) { read_span(span, resource, context); });
  });
  each_scope("resourceLogs", "scopeLogs", [&](Element scoped, std::optional<Element> resource) {
    read_log_records(json::at(scoped, "logRecords"), resource, context);
  });
  if (known) return {};
  if (!json::at(record, "attributes") && !json::at(record, "events"))
    return "neither a span, a log record nor an OTLP export";
  const auto resource = json::at(record, "resource");
  read_span(record, resource && resource->is_object() ? json::at(*resource, "attributes") : std::nullopt, context);
  return {};
}

}  // namespace stillwatch::dialect
