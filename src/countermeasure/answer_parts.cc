#include "countermeasure/answer_parts.h"

#include <string_view>
#include <utility>

namespace stillwatch::countermeasure {
namespace {

using Node = JsonText::Node;

// The whole document or, of a line of a batch's results, what is in its envelope.
Node answer_in(const JsonText& json) {
  for (const auto& [outer, inner] : {std::pair("response", "body"), std::pair("result", "message")}) {
    if (const Node n = json.at(json.at(0, outer), inner); n != JsonText::kNone) return n;
  }
  return 0;
}

class Finder {
 public:
  explicit Finder(const JsonText& json) : json_(json), root_(answer_in(json)) {}

  AnswerParts run() {
    if (const Node choices = json_.at(root_, "choices"); choices != JsonText::kNone) {
      for (Node c = json_.first(choices); c != JsonText::kNone; c = json_.next(c)) choice(c);
    } else if (const std::string type = json_.text(json_.at(root_, "type")); type.starts_with("response.")) {
      response_event(type);
    } else if (const Node output = json_.at(root_, "output"); output != JsonText::kNone) {
      output_items(output);
    } else if (type.find("message") == 0 || type.find("content_block") == 0) {
      anthropic(type);
    }
    return parts_;
  }

 private:
  void add(std::vector<Node>& to, Node n) {
    if (n != JsonText::kNone && json_.kind(n) == JsonText::Kind::kString) to.push_back(n);
  }
  void add_opaque(Node n) {
    if (n != JsonText::kNone && json_.raw(n) != "null") parts_.opaque.push_back(n);
  }

  // A string, or a list of parts with `text`.
  void content(Node n, std::vector<Node>& to) {
    add(to, n);
    for (Node part = json_.first(n); part != JsonText::kNone; part = json_.next(part)) {
      if (json_.kind(n) == JsonText::Kind::kArray) block(part, to);
    }
  }

  // A content block: what it is, its type says.
  void block(Node b, std::vector<Node>& visible) {
    const std::string type = json_.text(json_.at(b, "type"));
    if (type == "thinking" || type == "reasoning" || type == "reasoning_text" || type == "summary_text") {
      for (const std::string_view key : {"thinking", "reasoning", "text", "content"}) {
        if (const Node n = json_.at(b, key); n != JsonText::kNone) content(n, parts_.reasoning);
      }
      if (const Node n = json_.at(b, "summary"); n != JsonText::kNone) content(n, parts_.reasoning);
    } else if (type == "redacted_thinking") {
      add_opaque(json_.at(b, "data"));
    } else {
      add(visible, json_.at(b, "text"));
    }
  }

  void choice(Node c) {
    const Node index = json_.at(c, "index");
    const bool first = index == JsonText::kNone || json_.raw(index) == "0";
    const Node delta = json_.at(c, "delta");
    const Node message = delta != JsonText::kNone ? delta : json_.at(c, "message");
    std::vector<Node> other;
    std::vector<Node>& visible = first ? parts_.text : other;
    parts_.delta = parts_.delta || delta != JsonText::kNone;
    for (const std::string_view key : {"reasoning_content", "reasoning", "thinking"}) {
      add(parts_.reasoning, json_.at(message, key));
    }
    for (const std::string_view key : {"reasoning_details", "thinking_blocks"}) add_opaque(json_.at(message, key));
    content(json_.at(message, "content"), visible);
    if (const Node text = json_.at(c, "text"); text != JsonText::kNone) {
      add(visible, text);
      parts_.delta = true;  // completions stream in the same shape as they come whole
    }
    const Node finish = json_.at(c, "finish_reason");
    if (first && finish != JsonText::kNone && json_.raw(finish) != "null") parts_.ended = true;
  }

  void output_items(Node items) {
    for (Node item = json_.first(items); item != JsonText::kNone; item = json_.next(item)) output_item(item);
    parts_.ended = true;
  }
  void output_item(Node item) {
    if (json_.is(item, "type", "reasoning")) {
      block(item, parts_.text);
    } else {
      content(json_.at(item, "content"), parts_.text);
    }
  }

  void response_event(std::string_view type) {
    const bool of_reasoning = type.find("reasoning") != type.npos;
    std::vector<Node>& to = of_reasoning ? parts_.reasoning : parts_.text;
    if (type.ends_with(".delta") && (of_reasoning || type.find("output_text") != type.npos)) {
      add(to, json_.at(root_, "delta"));
      parts_.delta = true;
      return;
    }
    parts_.again = true;
    if (of_reasoning || type.find("output_text") != type.npos) add(to, json_.at(root_, "text"));
    if (const Node part = json_.at(root_, "part"); part != JsonText::kNone) {
      if (of_reasoning) {
        add(parts_.reasoning, json_.at(part, "text"));
      } else {
        block(part, parts_.text);
      }
    }
    if (const Node item = json_.at(root_, "item"); item != JsonText::kNone) {
      output_item(item);
      parts_.reasoning_ended = type.ends_with(".done") && json_.is(item, "type", "reasoning");
    }
    if (const Node response = json_.at(root_, "response"); response != JsonText::kNone) {
      const Node items = json_.at(response, "output");
      for (Node item = json_.first(items); item != JsonText::kNone; item = json_.next(item)) output_item(item);
      parts_.ended = type == "response.completed" || type == "response.incomplete" || type == "response.failed";
    }
  }

  void anthropic(std::string_view type) {
    if (type == "message") {
      content(json_.at(root_, "content"), parts_.text);
      parts_.ended = true;
    } else if (type == "message_start") {
      content(json_.at(json_.at(root_, "message"), "content"), parts_.text);
      parts_.delta = true;
    } else if (type == "content_block_start") {
      block(json_.at(root_, "content_block"), parts_.text);
      parts_.delta = true;
    } else if (type == "content_block_delta") {
      const Node delta = json_.at(root_, "delta");
      if (json_.is(delta, "type", "thinking_delta")) {
        add(parts_.reasoning, json_.at(delta, "thinking"));
      } else if (json_.is(delta, "type", "text_delta")) {
        add(parts_.text, json_.at(delta, "text"));
      }
      parts_.delta = true;
    } else if (type == "content_block_stop") {
      parts_.delta = true;
      parts_.reasoning_ended = true;  // of text as well; that of reasoning is the one that follows some
    } else if (type == "message_delta" || type == "message_stop") {
      parts_.ended = true;
    }
  }

  const JsonText& json_;
  const Node root_;  // the answer
  AnswerParts parts_;
};

}  // namespace

AnswerParts parts_of(const JsonText& json) {
  return Finder(json).run();
}

}  // namespace stillwatch::countermeasure
