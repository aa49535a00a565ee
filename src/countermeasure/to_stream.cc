#include "countermeasure/to_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "countermeasure/answer_body.h"

namespace stillwatch::countermeasure {
namespace {

using Node = JsonText::Node;

// About `words` words at a time, white space in front of the word it precedes.
std::vector<std::string_view> pieces_of(std::string_view text, size_t words) {
  std::vector<std::string_view> pieces;
  size_t begin = 0;
  size_t count = 0;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] != ' ' || text[i - 1] == ' ') continue;
    if (++count % words == 0) pieces.push_back(text.substr(std::exchange(begin, i), i - begin));
  }
  if (begin < text.size()) pieces.push_back(text.substr(begin));
  return pieces;
}

constexpr size_t kPieceWords = 8;

// Chat completions.
bool is_chat(const JsonText& json) {
  return json.first(json.at(0, "choices")) != JsonText::kNone;
}

std::string chunk_head(const JsonText& json) {
  std::string head = "{\"object\":\"chat.completion.chunk\"";
  for (const std::string_view key : {"id", "created", "model", "system_fingerprint"}) {
    if (const Node n = json.at(0, key); n != JsonText::kNone) head += fmt::format(",\"{}\":{}", key, json.raw(n));
  }
  return head;
}

std::string chunk(std::string_view head, std::string_view delta, std::string_view finish = "null") {
  return fmt::format("data: {},\"choices\":[{{\"index\":0,\"delta\":{},\"finish_reason\":{}}}]}}\n\n", head, delta,
                     finish);
}

std::string chat_opening(std::string_view head) {
  return chunk(head, R"({"role":"assistant","content":""})");
}

std::string chat_piece(std::string_view head, std::string_view text) {
  return chunk(head, fmt::format("{{\"content\":{}}}", json_string(text)));
}

std::string chat_ending(const JsonText& json, std::string_view head, bool usage) {
  const Node finish = json.at(json.first(json.at(0, "choices")), "finish_reason");
  std::string out = chunk(head, "{}", finish != JsonText::kNone ? json.raw(finish) : "\"stop\"");
  if (const Node n = json.at(0, "usage"); usage && n != JsonText::kNone)
    out += fmt::format("data: {},\"choices\":[],\"usage\":{}}}\n\n", head, json.raw(n));
  return out + "data: [DONE]\n\n";
}

std::string chat_stream(const JsonText& json, bool usage) {
  const std::string head = chunk_head(json);
  const Node choice = json.first(json.at(0, "choices"));
  const Node message = json.at(choice, "message");
  std::string out = chat_opening(head);
  for (const std::string_view key : {"reasoning_content", "reasoning", "refusal"}) {
    if (const Node n = json.at(message, key); there(json, n))
      out += chunk(head, fmt::format("{{\"{}\":{}}}", key, json.raw(n)));
  }
  const std::string text = text_of(json, choice);
  for (const std::string_view piece : pieces_of(text, kPieceWords)) out += chat_piece(head, piece);
  return out + chat_ending(json, head, usage);
}

// Messages.
std::string event(std::string_view name, std::string_view rest) {
  return fmt::format("event: {0}\ndata: {{\"type\":\"{0}\"{1}}}\n\n", name, rest);
}

std::string message_start(const JsonText& json) {
  JsonText start = json;
  if (const Node n = json.at(0, "content"); n != JsonText::kNone) start.replace(n, "[]");
  for (const std::string_view key : {"stop_reason", "stop_sequence"}) {
    if (const Node n = json.at(0, key); n != JsonText::kNone) start.replace(n, "null");
  }
  return event("message_start", fmt::format(",\"message\":{}", start.str()));
}

std::string block_start(size_t index, std::string_view block) {
  return event("content_block_start", fmt::format(",\"index\":{},\"content_block\":{}", index, block));
}

std::string block_delta(size_t index, std::string_view kind, std::string_view text) {
  return event("content_block_delta", fmt::format(",\"index\":{},\"delta\":{{\"type\":\"{}_delta\",\"{}\":{}}}", index,
                                                  kind, kind, json_string(text)));
}

std::string block_stop(size_t index) {
  return event("content_block_stop", fmt::format(",\"index\":{}", index));
}

std::string message_ending(const JsonText& json) {
  const auto member = [&](std::string_view key, std::string_view otherwise) {
    const Node n = json.at(0, key);
    return there(json, n) ? json.raw(n) : otherwise;
  };
  return event("message_delta",
               fmt::format(",\"delta\":{{\"stop_reason\":{},\"stop_sequence\":{}}},\"usage\":{}",
                           member("stop_reason", "null"), member("stop_sequence", "null"), member("usage", "{}"))) +
         event("message_stop", "");
}

std::string messages_stream(const JsonText& json) {
  std::string out = message_start(json);
  size_t index = 0;
  for (Node block = json.first(json.at(0, "content")); block != JsonText::kNone; block = json.next(block), ++index) {
    const bool text = json.is(block, "type", "text");
    const bool thinking = json.is(block, "type", "thinking");
    const Node said = json.at(block, text ? "text" : "thinking");
    std::string begun(json.raw(block));
    if ((text || thinking) && said != JsonText::kNone) {
      const size_t at = static_cast<size_t>(json.raw(said).data() - json.raw(block).data());
      begun.replace(at, json.raw(said).size(), "\"\"");
    }
    out += block_start(index, begun);
    if (text || thinking) {
      const std::string whole = json.text(said);
      for (const std::string_view piece : pieces_of(whole, kPieceWords))
        out += block_delta(index, text ? "text" : "thinking", piece);
    }
    out += block_stop(index);
  }
  return out + message_ending(json);
}

}  // namespace

std::string to_stream(std::string_view body, bool usage) {
  const auto json = JsonText::parse(body);
  if (json && is_chat(*json)) return chat_stream(*json, usage);
  if (json && json->is(0, "type", "message")) return messages_stream(*json);
  std::string line(body);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return fmt::format("data: {}\n\n", line);
}

AnswerEvents::AnswerEvents(std::string_view shape) {
  const auto json = JsonText::parse(shape);
  chat_ = is_chat(*json);
  if (chat_) {
    head_ = chunk_head(*json);
    opening_ = chat_opening(head_);
  } else {
    opening_ = message_start(*json) + block_start(0, R"({"type":"text","text":""})");
  }
}

std::string AnswerEvents::piece(std::string_view text) const {
  return chat_ ? chat_piece(head_, text) : block_delta(0, "text", text);
}

std::string AnswerEvents::ending(std::string_view whole, bool usage) const {
  const auto json = JsonText::parse(whole);
  return chat_ ? chat_ending(*json, head_, usage) : block_stop(0) + message_ending(*json);
}

}  // namespace stillwatch::countermeasure
