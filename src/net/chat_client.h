// Chat with a model behind an OpenAI-compatible endpoint (POST BASE/chat/completions), whole answers, many at once.
//
//   auto http = net::HttpClient::create({.now = apps::monotonic_now});
//   net::ChatClient chat(**http, {.base_url = "http://127.0.0.1:8080/v1", .api_key = key});
//   chat.submit({.model = "m", .messages = {{"user", "hello"}}}, [&](net::ChatResult result) {
//     if (result) use(result->choices[0].content);
//   });
//   (*http)->run();
//
// Reasoning models put their trace into `reasoning_content` (as DeepSeek, vLLM and llama.cpp do) or `reasoning`; both
// are read. What an endpoint answers is hostile: it is bounded, and what is not the documented shape is a ChatFailure
// of a kind of its own with the body kept, because it may have been paid for. The functions that make and read bodies
// are pure and can be used alone; docs/lab.md names the fields.
//
// Thread rule: as net/http_client.h; the functions are reentrant. Bounds: HttpSettings::response_bytes_max,
// base::kJsonDepthMax, kChoicesMax, kLogprobTokensMax. Log-probabilities are natural.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "net/http_client.h"

namespace stillwatch::net {

constexpr size_t kChoicesMax = 128;
constexpr size_t kLogprobTokensMax = 1u << 20;  // of an answer, alternatives included

struct ChatMessage {
  std::string role;
  std::string content;
};

struct ChatRequest {
  std::string model{};
  std::vector<ChatMessage> messages{};
  std::optional<double> temperature{};
  std::optional<double> top_p{};
  std::optional<int> max_tokens{};
  std::optional<int> n{};
  std::optional<int64_t> seed{};
  std::vector<std::string> stop{};
  std::optional<int> top_logprobs{};  // asks for log-probabilities; 0: of the chosen tokens alone
};

struct TokenLogprob {
  std::string token;  // its bytes where the endpoint tells them, else its text
  double logprob = 0;
  std::vector<std::pair<std::string, double>> top;  // alternatives, the chosen one usually among them
};

struct ChatChoice {
  std::string content;
  std::string reasoning;
  std::string finish_reason;           // "stop", "length", ... as told
  std::vector<TokenLogprob> logprobs;  // of `content`
  std::vector<TokenLogprob> reasoning_logprobs;
};

struct ChatUsage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;  // reasoning included
  int64_t reasoning_tokens = 0;   // 0 if not told
};

struct ChatResponse {
  std::string id;
  std::string model{};              // as the endpoint names it
  std::vector<ChatChoice> choices;  // at least one
  std::optional<ChatUsage> usage;
  int attempts = 1;
};

struct ChatFailure {
  enum class Kind : uint8_t {
    kTransport,   // no answer at all
    kRefused,     // a status that trying again does not change
    kBusy,        // 429 or 5xx to the last attempt
    kNotJson,     // an answer, but
    kWrongShape,  // JSON, but no chat completion
  };
  Kind kind = Kind::kTransport;
  int status = 0;         // 0 if there was none
  std::string message{};  // one sentence, nothing of the body in it
  std::string body{};     // as it came
  int attempts = 1;
};

using ChatResult = tl::expected<ChatResponse, ChatFailure>;

std::string to_body(const ChatRequest& request);
ChatResult parse_chat_response(std::string_view body);

struct ChatEndpoint {
  std::string base_url{};  // up to and with /v1
  std::string api_key{};   // "" for none
};

class ChatClient {
 public:
  using Done = std::function<void(ChatResult)>;

  // `http` must outlive it.
  ChatClient(HttpClient& http, ChatEndpoint endpoint);

  HttpClient::Id submit(const ChatRequest& request, Done done);
  // Any other call of the same API: `path` below the base, such as "/completions".
  HttpClient::Id post(std::string_view path, std::string json, HttpClient::Done done);

 private:
  HttpClient& http_;
  ChatEndpoint endpoint_;
};

}  // namespace stillwatch::net
