#include "dialect/body.h"

namespace stillwatch::dialect {
namespace {

using json::Element;

void finish(std::string_view reason, Exchange& out) {
  out.truncated = out.truncated || reason == "length" || reason == "max_tokens" || reason == "max_output_tokens" ||
                  reason == "model_context_window_exceeded";
  out.refused = out.refused || reason == "content_filter" || reason == "refusal" || reason == "safety";
}

void say(const Content& content, Arena& arena, Exchange& out) {
  out.answer = arena.join(out.answer, content.text);
  out.reasoning = arena.join(out.reasoning, content.reasoning);
  out.answer_tool_calls += content.tool_calls;
  out.refused = out.refused || content.refused;
}

// An assistant message, or the delta of one.
void read_answer(Element message, Arena& arena, Exchange& out) {
  Content content = read_content(json::first(message, "content", "parts", "text"), arena);
  content.reasoning =
      arena.join(content.reasoning, json::text(json::first(message, "reasoning_content", "reasoning", "thinking")));
  json::each(json::at(message, "tool_calls"), [&](Element call) {
    ++content.tool_calls;
    if (const auto function = json::at(call, "function"); content.text.empty() && function) {
      content.text = json::text(*function, "arguments");
    }
  });
  if (const auto refusal = json::at(message, "refusal"); refusal && !json::text(refusal).empty()) {
    content.refused = true;
    content.text = arena.join(content.text, json::text(refusal));
  }
  say(content, arena, out);
}

bool read_choices(Element body, Arena& arena, Exchange& out) {
  const auto choices = json::at(body, "choices");
  if (!choices || !choices->is_array()) return false;
  bool first = true;
  json::each(choices, [&](Element choice) {
    if (!first || json::integer(choice, "index").value_or(0) != 0) return;
    first = false;
    if (const auto message = json::first(choice, "message", "delta")) {
      read_answer(*message, arena, out);
    } else {
      out.answer = arena.join(out.answer, json::text(choice, "text"));
    }
    finish(json::text(choice, "finish_reason"), out);
  });
  return true;
}

// The output items of the responses API.
bool read_output(Element body, Arena& arena, Exchange& out) {
  const auto output = json::at(body, "output");
  if (!output || !output->is_array()) return false;
  out.answer_id = json::text(body, "id");
  json::each(output, [&](Element item) {
    const std::string_view type = json::text(item, "type");
    if (type == "reasoning") {
      const Content content = read_content(json::first(item, "summary", "content"), arena);
      out.reasoning = arena.join(out.reasoning, content.reasoning.empty() ? content.text : content.reasoning);
    } else if (type == "function_call" || type == "custom_tool_call") {
      ++out.answer_tool_calls;
      if (out.answer.empty()) out.answer = json::text(item, "arguments");
    } else {
      say(read_content(json::at(item, "content"), arena), arena, out);
    }
  });
  if (const auto details = json::at(body, "incomplete_details")) finish(json::text(*details, "reason"), out);
  return true;
}

// Text of joined deltas must not be broken into lines: tokens are not paragraphs.
class Stream {
 public:
  explicit Stream(Exchange& out) : out_(out) {}

  void event(Element e, Arena& arena) {
    if (const auto usage = json::at(e, "usage")) read_usage(usage, out_);
    if (out_.model.empty()) out_.model = json::text(e, "model");
    json::each(json::at(e, "choices"), [&](Element choice) {
      if (json::integer(choice, "index").value_or(0) != 0) return;
      if (const auto delta = json::at(choice, "delta")) {
        answer_ += json::text(*delta, "content");
        reasoning_ += json::text(json::first(*delta, "reasoning_content", "reasoning"));
        out_.answer_tool_calls += static_cast<uint32_t>(json::size_of(json::at(*delta, "tool_calls")));
      } else {
        answer_ += json::text(choice, "text");
      }
      finish(json::text(choice, "finish_reason"), out_);
    });
    const std::string_view type = json::text(e, "type");
    if (type == "message_start") {
      if (const auto message = json::at(e, "message")) {
        read_usage(json::at(*message, "usage"), out_);
        if (out_.model.empty()) out_.model = json::text(*message, "model");
      }
    } else if (type == "content_block_start") {
      const auto block = json::at(e, "content_block");
      if (block && json::text(*block, "type") == "tool_use") ++out_.answer_tool_calls;
    } else if (type == "content_block_delta" || type == "message_delta") {
      if (const auto delta = json::at(e, "delta")) {
        answer_ += json::text(json::first(*delta, "text"));
        reasoning_ += json::text(json::first(*delta, "thinking"));
        finish(json::text(*delta, "stop_reason"), out_);
      }
    } else if (type == "response.output_text.delta") {
      answer_ += json::text(e, "delta");
    } else if (type == "response.completed" || type == "response.incomplete") {
      if (const auto response = json::at(e, "response")) {
        answer_.clear();
        read_response(*response, arena, out_);
      }
    }
  }

  void close(Arena& arena) {
    if (!answer_.empty()) out_.answer = arena.keep(answer_);
    if (!reasoning_.empty()) out_.reasoning = arena.keep(reasoning_);
    out_.has_response = true;
  }

 private:
  Exchange& out_;
  std::string answer_;
  std::string reasoning_;
};

}  // namespace

void read_usage(std::optional<Element> usage, Exchange& out) {
  if (!usage || !usage->is_object()) return;
  if (const auto tokens =
          json::integer(json::first(*usage, "prompt_tokens", "input_tokens", "promptTokens", "input"))) {
    // One API counts cached prompt tokens apart.
    out.prompt_tokens = *tokens + json::integer(*usage, "cache_creation_input_tokens").value_or(0) +
                        json::integer(*usage, "cache_read_input_tokens").value_or(0);
  }
  if (const auto tokens =
          json::integer(json::first(*usage, "completion_tokens", "output_tokens", "completionTokens", "output"))) {
    out.output_tokens = tokens;
  }
}

void read_response(Element body, Arena& arena, Exchange& out) {
  if (body.is_array()) {
    Stream stream(out);
    json::each(body, [&](Element event) { stream.event(event, arena); });
    stream.close(arena);
    return;
  }
  if (!body.is_object()) return;
  if (out.model.empty()) out.model = json::text(body, "model");
  read_usage(json::at(body, "usage"), out);
  if (read_choices(body, arena, out) || read_output(body, arena, out)) {
    out.has_response = true;
  } else if (const auto content = json::at(body, "content"); content && content->is_array()) {
    say(read_content(content, arena), arena, out);
    finish(json::text(body, "stop_reason"), out);
    out.has_response = true;
  } else if (json::at(body, "error") && out.status < 400) {
    out.status = 400;
  }
}

}  // namespace stillwatch::dialect
