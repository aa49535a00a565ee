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

std::string chat_stream(const JsonText& json, bool usage) {
  const auto raw_or = [&](Node n, std::string_view otherwise) {
    return std::string(n != JsonText::kNone ? json.raw(n) : otherwise);
  };
  const Node choice = json.first(json.at(0, "choices"));
  const Node message = json.at(choice, "message");
  std::string head = "{\"object\":\"chat.completion.chunk\"";
  for (const std::string_view key : {"id", "created", "model", "system_fingerprint"}) {
    if (const Node n = json.at(0, key); n != JsonText::kNone) head += fmt::format(",\"{}\":{}", key, json.raw(n));
  }
  std::string out;
  const auto chunk = [&](std::string_view delta, std::string_view finish) {
    out += fmt::format("data: {},\"choices\":[{{\"index\":0,\"delta\":{},\"finish_reason\":{}}}]}}\n\n", head, delta,
                       finish);
  };
  chunk(R"({"role":"assistant","content":""})", "null");
  for (const std::string_view key : {"reasoning_content", "reasoning", "refusal"}) {
    if (const Node n = json.at(message, key); there(json, n))
      chunk(fmt::format("{{\"{}\":{}}}", key, json.raw(n)), "null");
  }
  const std::string text = text_of(json, choice);
  for (const std::string_view piece : pieces_of(text, kPieceWords))
    chunk(fmt::format("{{\"content\":{}}}", json_string(piece)), "null");
  chunk("{}", raw_or(json.at(choice, "finish_reason"), "\"stop\""));
  if (const Node n = json.at(0, "usage"); usage && n != JsonText::kNone)
    out += fmt::format("data: {},\"choices\":[],\"usage\":{}}}\n\n", head, json.raw(n));
  return out + "data: [DONE]\n\n";
}

std::string messages_stream(const JsonText& json) {
  std::string out;
  const auto event = [&](std::string_view name, std::string_view rest) {
    out += fmt::format("event: {0}\ndata: {{\"type\":\"{0}\"{1}}}\n\n", name, rest);
  };
  const std::string usage = there(json, json.at(0, "usage")) ? std::string(json.raw(json.at(0, "usage"))) : "{}";
  const auto member = [&](std::string_view key) {
    const Node n = json.at(0, key);
    return std::string(n != JsonText::kNone ? json.raw(n) : "null");
  };
  const std::string stop =
      fmt::format("{{\"stop_reason\":{},\"stop_sequence\":{}}}", member("stop_reason"), member("stop_sequence"));
  JsonText start = json;
  const Node content = json.at(0, "content");
  start.replace(content, "[]");
  for (const std::string_view key : {"stop_reason", "stop_sequence"}) {
    if (const Node n = json.at(0, key); n != JsonText::kNone) start.replace(n, "null");
  }
  event("message_start", fmt::format(",\"message\":{}", start.str()));
  size_t index = 0;
  for (Node block = json.first(content); block != JsonText::kNone; block = json.next(block), ++index) {
    const bool text = json.is(block, "type", "text");
    const bool thinking = json.is(block, "type", "thinking");
    const Node said = json.at(block, text ? "text" : "thinking");
    std::string begun(json.raw(block));
    if ((text || thinking) && said != JsonText::kNone) {
      const size_t at = static_cast<size_t>(json.raw(said).data() - json.raw(block).data());
      begun.replace(at, json.raw(said).size(), "\"\"");
    }
    event("content_block_start", fmt::format(",\"index\":{},\"content_block\":{}", index, begun));
    if (text || thinking) {
      const std::string whole = json.text(said);
      for (const std::string_view piece : pieces_of(whole, kPieceWords)) {
        event("content_block_delta",
              fmt::format(",\"index\":{},\"delta\":{{\"type\":\"{}_delta\",\"{}\":{}}}", index,
                          text ? "text" : "thinking", text ? "text" : "thinking", json_string(piece)));
      }
    }
    event("content_block_stop", fmt::format(",\"index\":{}", index));
  }
  event("message_delta", fmt::format(",\"delta\":{},\"usage\":{}", stop, usage));
  event("message_stop", "");
  return out;
}

}  // namespace

std::string to_stream(std::string_view body, bool usage) {
  const auto json = JsonText::parse(body);
  if (json && json->first(json->at(0, "choices")) != JsonText::kNone) return chat_stream(*json, usage);
  if (json && json->is(0, "type", "message")) return messages_stream(*json);
  std::string line(body);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return fmt::format("data: {}\n\n", line);
}

}  // namespace stillwatch::countermeasure
