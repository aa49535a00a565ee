#include "distill/prompts.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <unordered_set>

#include "base/hash.h"
#include "base/limits.h"

namespace stillwatch::distill {
namespace {

using base::ErrorCode;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

// Nothing but a word about what is wrong.
std::string_view read_messages(const array& list, std::vector<net::ChatMessage>& messages) {
  if (list.size() > base::kTurnsMax) return "has too many `messages`";
  for (const element& e : list) {
    object o;
    std::string_view role, content;
    if (e.get(o) != simdjson::SUCCESS || o["role"].get(role) != simdjson::SUCCESS ||
        o["content"].get(content) != simdjson::SUCCESS)
      return "has a message without the texts `role` and `content`";
    messages.push_back({std::string(role), std::string(content)});
  }
  while (!messages.empty() && messages.back().role == "assistant") messages.pop_back();
  return messages.empty() || messages.back().role != "user" ? "asks nothing: no message of a `user` is the last" : "";
}

std::string_view read_prompt(simdjson::dom::parser& parser, std::string_view line, Prompt& prompt) {
  object o;
  array list;
  std::string_view text;
  if (parser.parse(line.data(), line.size()).get(o) != simdjson::SUCCESS) return "is no JSON object";
  if (o["messages"].get(list) == simdjson::SUCCESS) {
    const std::string_view wrong = read_messages(list, prompt.messages);
    if (!wrong.empty()) return wrong;
  } else if (o["prompt"].get(text) == simdjson::SUCCESS) {
    prompt.messages.push_back({"user", std::string(text)});
  } else {
    return "has neither `messages` nor `prompt`";
  }
  if (o["id"].get(text) == simdjson::SUCCESS && !text.empty()) {
    if (text.size() > base::kIdentityBytesMax) return "has an `id` that is too long";
    prompt.id = text;
    return "";
  }
  uint64_t hash = 0;
  for (const net::ChatMessage& m : prompt.messages)
    hash = base::combine(base::combine(hash, base::hash64(m.role)), base::hash64(m.content));
  prompt.id = fmt::format("{:016x}", hash);
  return "";
}

}  // namespace

base::Result<std::vector<Prompt>> read_prompts(std::string_view text, std::string_view name) {
  simdjson::dom::parser parser(base::kLineBytesMax);
  if (parser.allocate(size_t{64} << 10, base::kJsonDepthMax) != simdjson::SUCCESS)
    return base::fail(ErrorCode::kInternal, "there is no memory left to read prompts with");
  std::vector<Prompt> prompts;
  std::unordered_set<std::string> seen;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Prompt prompt;
    const std::string_view wrong = read_prompt(parser, line, prompt);
    if (!wrong.empty()) return base::fail(ErrorCode::kInput, fmt::format("{}:{}: the line {}", name, number, wrong));
    if (seen.insert(prompt.id).second) prompts.push_back(std::move(prompt));
  }
  if (prompts.empty()) return base::fail(ErrorCode::kInput, fmt::format("{} holds no prompts", name));
  return prompts;
}

}  // namespace stillwatch::distill
