// The bodies of chat completions: made by nlohmann::json, read by simdjson.
#include <simdjson.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "net/chat_client.h"

namespace stillwatch::net {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

std::string text_of(const object& o, std::string_view key) {
  std::string_view text;
  return o[key].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

int64_t count_of(const object& o, std::string_view key) {
  int64_t n = 0;
  return o[key].get(n) == simdjson::SUCCESS && n > 0 ? n : 0;
}

// Some endpoints give content as a list of parts.
std::string content_of(const object& message) {
  array parts;
  if (message["content"].get(parts) != simdjson::SUCCESS) return text_of(message, "content");
  std::string content;
  for (const element& part : parts) {
    object o;
    if (part.get(o) == simdjson::SUCCESS) content += text_of(o, "text");
  }
  return content;
}

// Nothing for what is no token with its logarithm of a probability.
std::optional<std::pair<std::string, double>> token_of(const element& e) {
  object o;
  std::string_view text;
  double logprob = 0;
  if (e.get(o) != simdjson::SUCCESS || o["token"].get(text) != simdjson::SUCCESS ||
      o["logprob"].get(logprob) != simdjson::SUCCESS || !std::isfinite(logprob) || logprob > 1e-3) {
    return std::nullopt;
  }
  std::string token(text);
  array bytes;
  if (o["bytes"].get(bytes) == simdjson::SUCCESS) {
    std::string raw;
    for (const element& byte : bytes) {
      uint64_t value = 0;
      if (byte.get(value) != simdjson::SUCCESS || value > 255) return std::nullopt;
      raw.push_back(static_cast<char>(value));
    }
    token = std::move(raw);
  }
  return std::pair(std::move(token), logprob);
}

// False for what is there but cannot be used.
bool read_logprobs(const object& logprobs, std::string_view key, std::vector<TokenLogprob>& out, size_t& budget) {
  array tokens;
  if (logprobs[key].get(tokens) != simdjson::SUCCESS) return true;
  for (const element& e : tokens) {
    auto chosen = token_of(e);
    if (!chosen || budget-- == 0) return false;
    TokenLogprob token{std::move(chosen->first), chosen->second, {}};
    array top;
    if (e["top_logprobs"].get(top) == simdjson::SUCCESS) {
      for (const element& alternative : top) {
        auto other = token_of(alternative);
        if (!other || budget-- == 0) return false;
        token.top.push_back(std::move(*other));
      }
    }
    out.push_back(std::move(token));
  }
  return true;
}

bool read_choice(const element& e, ChatChoice& choice, size_t& budget) {
  object o, message, logprobs;
  if (e.get(o) != simdjson::SUCCESS || o["message"].get(message) != simdjson::SUCCESS) return false;
  choice.content = content_of(message);
  choice.reasoning = text_of(message, "reasoning_content");
  if (choice.reasoning.empty()) choice.reasoning = text_of(message, "reasoning");
  choice.finish_reason = text_of(o, "finish_reason");
  if (o["logprobs"].get(logprobs) != simdjson::SUCCESS) return true;
  return read_logprobs(logprobs, "content", choice.logprobs, budget) &&
         read_logprobs(logprobs, "reasoning_content", choice.reasoning_logprobs, budget);
}

tl::unexpected<ChatFailure> nonsense(ChatFailure::Kind kind, std::string message, std::string_view body) {
  return tl::unexpected(ChatFailure{kind, 0, std::move(message), std::string(body), 1});
}

}  // namespace

std::string to_body(const ChatRequest& request) {
  nlohmann::ordered_json body;
  body["model"] = request.model;
  body["messages"] = nlohmann::ordered_json::array();
  for (const ChatMessage& m : request.messages) body["messages"].push_back({{"role", m.role}, {"content", m.content}});
  const auto put = [&](const char* key, const auto& value) {
    if (value) body[key] = *value;
  };
  put("temperature", request.temperature);
  put("top_p", request.top_p);
  put("max_tokens", request.max_tokens);
  put("n", request.n);
  put("seed", request.seed);
  if (!request.stop.empty()) body["stop"] = request.stop;
  if (request.top_logprobs) {
    body["logprobs"] = true;
    if (*request.top_logprobs > 0) body["top_logprobs"] = *request.top_logprobs;
  }
  return body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

ChatResult parse_chat_response(std::string_view body) {
  using Kind = ChatFailure::Kind;
  simdjson::dom::parser parser;
  element document;
  object o;
  if (parser.allocate(body.size(), base::kJsonDepthMax) != simdjson::SUCCESS ||
      parser.parse(body.data(), body.size()).get(document) != simdjson::SUCCESS)
    return nonsense(Kind::kNotJson, "the endpoint's answer is no JSON; is this the address of an API?", body);
  array choices;
  if (document.get(o) != simdjson::SUCCESS || o["choices"].get(choices) != simdjson::SUCCESS || choices.size() == 0 ||
      choices.size() > kChoicesMax) {
    return nonsense(Kind::kWrongShape, "the endpoint's answer has no `choices`; does it speak chat/completions?", body);
  }
  ChatResponse response;
  response.id = text_of(o, "id");
  response.model = text_of(o, "model");
  size_t budget = kLogprobTokensMax;
  for (const element& e : choices) {
    if (!read_choice(e, response.choices.emplace_back(), budget)) {
      return nonsense(Kind::kWrongShape,
                      "a choice of the endpoint's answer lacks `message`, or its `logprobs` are none; is it an "
                      "OpenAI-compatible API?",
                      body);
    }
  }
  object usage, details;
  if (o["usage"].get(usage) == simdjson::SUCCESS) {
    response.usage = {count_of(usage, "prompt_tokens"), count_of(usage, "completion_tokens"), 0};
    if (usage["completion_tokens_details"].get(details) == simdjson::SUCCESS)
      response.usage->reasoning_tokens = count_of(details, "reasoning_tokens");
  }
  return response;
}

}  // namespace stillwatch::net
