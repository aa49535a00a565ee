#include "countermeasure/answer_body.h"

#include <algorithm>
#include <charconv>

#include "countermeasure/answer_parts.h"

namespace stillwatch::countermeasure {

using Node = JsonText::Node;

std::optional<double> number_at(const JsonText& json, Node object, std::string_view key) {
  const Node n = json.at(object, key);
  if (n == JsonText::kNone) return std::nullopt;
  const std::string_view raw = json.raw(n);
  double value = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  if (error != std::errc() || end != raw.data() + raw.size()) return std::nullopt;
  return value;
}

bool there(const JsonText& json, Node n) {
  return n != JsonText::kNone && json.raw(n) != "null";
}

void set_member(JsonText& json, std::string_view key, std::string value) {
  if (const Node n = json.at(0, key); n != JsonText::kNone) {
    json.replace(n, std::move(value));
  } else {
    json.add(0, key, value);
  }
}

// The visible text of a choice, or of an Anthropic message.
std::string text_of(const JsonText& json, Node choice) {
  std::string text;
  if (choice == JsonText::kNone) {
    for (const Node n : parts_of(json).text) text += json.text(n);
    return text;
  }
  const Node content = json.at(json.at(choice, "message"), "content");
  text = json.text(content);
  for (Node part = json.first(content); part != JsonText::kNone; part = json.next(part))
    text += json.text(json.at(part, "text"));
  return text;
}

uint64_t tokens_of(const JsonText& json) {
  const Node usage = json.at(0, "usage");
  const auto tokens = number_at(json, usage, "completion_tokens");
  return static_cast<uint64_t>(std::max(0.0, tokens.value_or(number_at(json, usage, "output_tokens").value_or(0))));
}

void set_usage(JsonText& json, uint64_t tokens) {
  const Node usage = json.at(0, "usage");
  for (const std::string_view key : {"completion_tokens", "output_tokens"}) {
    if (const Node n = json.at(usage, key); n != JsonText::kNone) json.replace(n, std::to_string(tokens));
  }
  if (const Node n = json.at(usage, "total_tokens"); n != JsonText::kNone) {
    const double prompt = number_at(json, usage, "prompt_tokens").value_or(0);
    json.replace(n, std::to_string(static_cast<uint64_t>(prompt) + tokens));
  }
}

}  // namespace stillwatch::countermeasure
