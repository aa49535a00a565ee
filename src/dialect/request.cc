#include "base/limits.h"
#include "dialect/body.h"

namespace stillwatch::dialect {
namespace {

using json::Element;

Role role_of(std::string_view role) {
  if (role == "assistant" || role == "model" || role == "ai") return Role::kAssistant;
  if (role == "system" || role == "developer") return Role::kSystem;
  if (role == "tool" || role == "function") return Role::kTool;
  return Role::kUser;
}

void add_turn(Exchange& out, Role role, const Content& content) {
  if (out.turns.size() >= base::kTurnsMax) return;
  // Tool results sit inside user messages in one API: alone they are what a tool said.
  const Role actual = role == Role::kUser && content.tool_results > 0 ? Role::kTool : role;
  out.turns.push_back({actual, content.text, content.images, content.tool_calls});
}

// {"function": {"name", "arguments"}} or {"name", "arguments"}; the arguments are part of what was said.
void read_tool_call(Element call, Arena& arena, Content& content) {
  const auto function = json::first(call, "function").value_or(call);
  ++content.tool_calls;
  content.text = arena.join(content.text, json::text(function, "arguments"));
}

void read_part(Element part, Arena& arena, Content& content) {
  std::string_view plain;
  if (part.get(plain) == simdjson::SUCCESS) {
    content.text = arena.join(content.text, plain);
    return;
  }
  const std::string_view type = json::text(part, "type");
  if (type == "image" || type == "image_url" || type == "input_image" || type == "input_audio" ||
      type == "input_file" || type == "file" || type == "document") {
    ++content.images;
    return;
  }
  if (type == "thinking" || type == "reasoning" || type == "summary_text" || type == "reasoning_text") {
    content.reasoning = arena.join(content.reasoning, json::text(json::first(part, "thinking", "text", "content")));
    return;
  }
  if (type == "tool_use" || type == "tool_call" || type == "function_call") {
    ++content.tool_calls;
    return;
  }
  if (type == "refusal") {
    content.refused = true;
    content.text = arena.join(content.text, json::text(part, "refusal"));
    return;
  }
  if (type == "tool_result" || type == "tool_call_response") {
    ++content.tool_results;
    const Content inner = read_content(json::first(part, "content", "result", "response"), arena);
    content.text = arena.join(content.text, inner.text);
    content.images += inner.images;
    return;
  }
  // Anything else that carries text is text: input_text, output_text, text, and parts of formats to come.
  content.text = arena.join(content.text, json::text(json::first(part, "text", "content")));
}

}  // namespace

Content read_content(std::optional<Element> value, Arena& arena) {
  Content content;
  if (!value) return content;
  std::string_view plain;
  if (value->get(plain) == simdjson::SUCCESS) {
    content.text = plain;
  } else if (value->is_array()) {
    json::each(value, [&](Element part) { read_part(part, arena, content); });
  } else if (value->is_object()) {
    read_part(*value, arena, content);
  }
  return content;
}

void read_message(Element message, Arena& arena, Exchange& out) {
  std::string_view plain;
  if (message.get(plain) == simdjson::SUCCESS) {
    Content content;
    content.text = plain;
    add_turn(out, Role::kUser, content);
    return;
  }
  if (!message.is_object()) return;
  const std::string_view type = json::text(message, "type");
  if (type == "function_call_output" || type == "custom_tool_call_output") {
    add_turn(out, Role::kTool, read_content(json::at(message, "output"), arena));
    return;
  }
  if (type == "function_call" || type == "custom_tool_call") {
    Content content;
    read_tool_call(message, arena, content);
    add_turn(out, Role::kAssistant, content);
    return;
  }
  if (type == "reasoning") return;
  const Role role = role_of(json::text(message, "role"));
  Content content = read_content(json::first(message, "content", "parts", "text"), arena);
  json::each(json::at(message, "tool_calls"), [&](Element call) { read_tool_call(call, arena, content); });
  if (const auto call = json::at(message, "function_call")) read_tool_call(*call, arena, content);
  if (role == Role::kSystem) {
    out.system = arena.join(out.system, content.text);
  } else {
    add_turn(out, role, content);
  }
}

void read_sampling(Element o, Exchange& out) {
  Sampling& s = out.sampling;
  const auto take = [](auto& field, auto value) {
    if (value) field = value;
  };
  take(s.temperature, json::number(o, "temperature"));
  take(s.top_p, json::number(json::first(o, "top_p", "topP")));
  take(s.top_k, json::integer(json::first(o, "top_k", "topK")));
  take(s.max_tokens, json::integer(json::first(o, "max_tokens", "max_completion_tokens", "max_output_tokens",
                                               "maxTokens", "max_tokens_to_sample")));
  take(s.choices, json::integer(o, "n"));
  take(s.seed, json::integer(o, "seed"));
  take(s.top_logprobs, json::integer(o, "top_logprobs"));
  // A flag in chat, a number in completions; `include` names them in responses.
  s.logprobs = s.logprobs || json::boolean(o, "logprobs") || json::integer(o, "logprobs").value_or(0) > 0;
  s.stream = s.stream || json::boolean(o, "stream");
  for (const char* key : {"response_format", "text"}) {
    const auto format = json::at(o, key);
    if (!format || !format->is_object()) continue;
    const auto inner = json::first(*format, "format").value_or(*format);
    const std::string_view type = json::text(inner, "type");
    s.json = s.json || (!type.empty() && type != "text");
  }
  s.reasoning = s.reasoning || json::first(o, "reasoning_effort", "reasoning", "thinking").has_value();
  const auto stop = json::first(o, "stop", "stop_sequences");
  if (stop) s.stops = stop->is_array() ? static_cast<uint32_t>(json::size_of(stop)) : 1;
  s.tools += static_cast<uint32_t>(json::size_of(json::first(o, "tools", "functions")));
}

bool read_request(Element body, Arena& arena, Exchange& out) {
  if (!body.is_object()) return false;
  if (out.model.empty()) out.model = json::text(body, "model");
  read_sampling(body, out);
  if (out.user.empty()) {
    out.user = json::text(json::first(body, "user", "safety_identifier"));
    if (const auto metadata = json::at(body, "metadata"); out.user.empty() && metadata) {
      out.user = json::text(*metadata, "user_id");
    }
  }
  out.continues = json::text(body, "previous_response_id");
  if (const auto system = json::first(body, "system", "instructions")) {
    out.system = arena.join(out.system, read_content(system, arena).text);
  }
  if (const auto messages = json::first(body, "messages", "input")) {
    if (messages->is_array()) {
      json::each(messages, [&](Element message) { read_message(message, arena, out); });
    } else {
      read_message(*messages, arena, out);
    }
    return !out.turns.empty() || !out.system.empty();
  }
  const auto prompt = json::at(body, "prompt");
  if (!prompt) return false;
  if (prompt->is_array()) {
    // A batch of prompts is as many questions at once; token arrays have no text.
    json::each(prompt, [&](Element item) {
      Content content;
      content.text = json::text(item);
      if (!content.text.empty()) add_turn(out, Role::kUser, content);
    });
    return json::size_of(prompt) > 0;
  }
  add_turn(out, Role::kUser, read_content(prompt, arena));
  return true;
}

}  // namespace stillwatch::dialect
