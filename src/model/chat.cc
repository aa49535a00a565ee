#include "model/chat.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/limits.h"

namespace stillwatch::model {
namespace {

using base::ErrorCode;
using base::Result;
using Json = nlohmann::json;

std::string text_of(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

// Text, or a list of parts that all are text.
bool read_content(const Json& content, std::string& out) {
  if (content.is_string()) {
    out = content.get<std::string>();
    return true;
  }
  if (!content.is_array()) return false;
  for (const Json& part : content) {
    if (!part.is_object() || text_of(part, "type") != "text" || !part.contains("text")) return false;
    out += text_of(part, "text");
  }
  return true;
}

// The token of the first special name in a mark, -1 if there is none: "<|im_end|>\n" is closed by <|im_end|>.
int32_t token_of(const Tokenizer& tokenizer, const std::string& mark) {
  std::vector<int32_t> tokens;
  if (!mark.empty()) tokenizer.encode(mark, Marks::kSpecial, tokens);
  for (const int32_t t : tokens) {
    if (tokenizer.find_special(tokenizer.piece(t)) == t) return t;
  }
  return -1;
}

// Appends to an example.
class ExampleWriter {
 public:
  ExampleWriter(const Tokenizer& tokenizer, Example& out) : tokenizer_(tokenizer), out_(out) {}

  void text(std::string_view text, bool scored) { add(text, Marks::kText, scored); }
  void mark(std::string_view mark, bool scored) { add(mark, Marks::kSpecial, scored); }

 private:
  void add(std::string_view text, Marks marks, bool scored) {
    if (text.empty()) return;
    tokenizer_.encode(text, marks, out_.tokens);
    out_.scored.resize(out_.tokens.size(), scored);
  }
  const Tokenizer& tokenizer_;
  Example& out_;
};

}  // namespace

Result<Conversation> read_messages(const Json& object) {
  const auto wrong = [&](std::string_view what) { return base::fail(ErrorCode::kInput, std::string(what)); };
  const auto messages = object.find("messages");
  if (messages == object.end() || !messages->is_array() || messages->empty())
    return wrong("`messages` is missing or no list");
  if (messages->size() > kMessagesMax) return wrong(fmt::format("`messages` holds more than {}", kMessagesMax));
  Conversation out;
  for (const Json& m : *messages) {
    if (!m.is_object()) return wrong("`messages` holds something that is no object");
    const std::string role = text_of(m, "role");
    Message message;
    if (role == "system" || role == "developer") {
      message.role = Role::kSystem;
    } else if (role == "assistant") {
      message.role = Role::kAssistant;
    } else if (role != "user") {
      return wrong("`role` is none of system, user, assistant");
    }
    const auto content = m.find("content");
    if (content == m.end() || !read_content(*content, message.content)) return wrong("`content` is missing or no text");
    if (message.role == Role::kAssistant) message.reasoning = text_of(m, "reasoning_content");
    out.push_back(std::move(message));
  }
  return out;
}

Result<Conversation> read_conversation(std::string_view line, std::string_view where) {
  const Json row = Json::parse(line, nullptr, false);
  if (!row.is_object()) return base::fail(ErrorCode::kInput, fmt::format("{}: is no JSON object", where));
  auto messages = read_messages(row);
  if (!messages) return base::fail(ErrorCode::kInput, fmt::format("{}: {}", where, messages.error().message));
  return messages;
}

Result<std::vector<Conversation>> read_dataset(std::string_view text, std::string_view file) {
  std::vector<Conversation> rows;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}:{}", file, number);
    if (line.size() > base::kLineBytesMax)
      return base::fail(ErrorCode::kInput, fmt::format("{}: the line is longer than 64 MiB", where));
    auto row = read_conversation(line, where);
    if (!row) return tl::unexpected(row.error());
    rows.push_back(std::move(*row));
  }
  return rows;
}

const ChatTemplate& ChatTemplate::own() {
  static const ChatTemplate marks{"<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|think|>", "<|end|>"};
  return marks;
}

const ChatTemplate& ChatTemplate::chatml() {
  static const ChatTemplate marks{
      "<|im_start|>system\n", "<|im_start|>user\n", "<|im_start|>assistant\n", "<|im_end|>\n", "<think>", "</think>"};
  return marks;
}

std::vector<std::string> ChatTemplate::own_marks() {
  return {"<|system|>", "<|user|>", "<|assistant|>", "<|think|>", "<|end|>"};
}

std::string ChatTemplate::to_json() const {
  return nlohmann::ordered_json{{"system", system}, {"user", user},   {"assistant", assistant},
                                {"end", end},       {"think", think}, {"think_end", think_end}}
      .dump();
}

Result<ChatTemplate> ChatTemplate::from_json(std::string_view text, std::string_view file) {
  const Json object = Json::parse(text, nullptr, false);
  if (!object.is_object()) return base::fail(ErrorCode::kInput, fmt::format("{}: `stillwatch` is no object", file));
  ChatTemplate t{text_of(object, "system"), text_of(object, "user"),  text_of(object, "assistant"),
                 text_of(object, "end"),    text_of(object, "think"), text_of(object, "think_end")};
  if (t.user.empty() || t.assistant.empty() || t.end.empty())
    return base::fail(ErrorCode::kInput, fmt::format("{}: `stillwatch` lacks one of user, assistant, end", file));
  return t;
}

std::string ChatTemplate::jinja() const {
  const auto quoted = [](const std::string& s) { return Json(s).dump(); };
  return fmt::format(
      "{{% for m in messages %}}{{% if m['role'] == 'system' %}}{{{{ {} + m['content'] + {} }}}}"
      "{{% elif m['role'] == 'user' %}}{{{{ {} + m['content'] + {} }}}}"
      "{{% else %}}{{{{ {} }}}}{{% if m['reasoning_content'] %}}{{{{ {} + m['reasoning_content'] + {} }}}}{{% endif %}}"
      "{{{{ m['content'] + {} }}}}{{% endif %}}{{% endfor %}}{{% if add_generation_prompt %}}{{{{ {} }}}}{{% endif %}}",
      quoted(system), quoted(end), quoted(user), quoted(end), quoted(assistant), quoted(think), quoted(think_end),
      quoted(end), quoted(assistant));
}

Example example_of(const Conversation& conversation, const ChatTemplate& marks, const Tokenizer& tokenizer) {
  Example out;
  ExampleWriter w(tokenizer, out);
  for (const Message& m : conversation) {
    const bool own = m.role == Role::kAssistant;
    w.mark(m.role == Role::kSystem ? marks.system : own ? marks.assistant : marks.user, false);
    if (!m.reasoning.empty()) {
      w.mark(marks.think, true);
      w.text(m.reasoning, true);
      w.mark(marks.think_end, true);
    }
    w.text(m.content, own);
    w.mark(marks.end, own);
  }
  return out;
}

std::vector<Example> examples_of(std::span<const Conversation> conversations, const ChatTemplate& marks,
                                 const Tokenizer& tokenizer) {
  std::vector<Example> out;
  out.reserve(conversations.size());
  for (const Conversation& c : conversations) out.push_back(example_of(c, marks, tokenizer));
  return out;
}

std::vector<int32_t> prompt_of(const Conversation& conversation, const ChatTemplate& marks,
                               const Tokenizer& tokenizer) {
  Example out = example_of(conversation, marks, tokenizer);
  tokenizer.encode(marks.assistant, Marks::kSpecial, out.tokens);
  return std::move(out.tokens);
}

AnswerParser::AnswerParser(const ChatTemplate& marks, const Tokenizer& tokenizer)
    : think_(token_of(tokenizer, marks.think)),
      think_end_(token_of(tokenizer, marks.think_end)),
      end_(token_of(tokenizer, marks.end)) {}

AnswerParser::Part AnswerParser::next(int32_t token) {
  if (thinking_ && token == think_end_) {
    thinking_ = false;
    return Part::kMark;
  }
  if (!thinking_ && token == think_ && think_ >= 0) {
    thinking_ = true;
    return Part::kMark;
  }
  if (token == end_) return Part::kEnd;
  return thinking_ ? Part::kReasoning : Part::kContent;
}

}  // namespace stillwatch::model
