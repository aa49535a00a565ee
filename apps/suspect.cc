#include "suspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "dialect/json.h"
#include "net/chat_client.h"

namespace stillwatch::apps {
namespace {

using base::ErrorCode;
using base::Result;
using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

struct Connection {
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<net::ChatClient> chat;
};

Result<Connection> connect(const Endpoint& e) {
  net::ChatEndpoint endpoint{.base_url = e.url, .api_key = ""};
  if (!e.api_key_env.empty()) {
    const char* key = std::getenv(e.api_key_env.c_str());
    if (key == nullptr) return base::fail(ErrorCode::kUsage, fmt::format("the environment has no {}", e.api_key_env));
    endpoint.api_key = key;
  }
  net::HttpSettings settings;
  settings.now = [] {
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
  };
  settings.concurrency = static_cast<size_t>(std::max(1, e.concurrency));
  settings.attempts_max = 3;
  auto http = net::HttpClient::create(std::move(settings));
  if (!http) return tl::unexpected(http.error());
  Connection c;
  c.http = std::move(*http);
  c.chat = std::make_unique<net::ChatClient>(*c.http, std::move(endpoint));
  return c;
}

// The answers in the order they were asked for.
Result<std::string> joined(const Endpoint& e, std::vector<std::string>& lines, size_t failed,
                           const std::string& first_failure) {
  std::string out;
  for (const std::string& line : lines) out += line;
  if (out.empty()) return base::fail(ErrorCode::kInput, fmt::format("{} answered nothing: {}", e.url, first_failure));
  if (failed > 0) {
    fmt::print(stderr, "stillwatch: {} of {} requests to {} failed and are left out; the first: {}\n", failed,
               lines.size(), e.url, first_failure);
  }
  return out;
}

}  // namespace

std::string canary_prompt(const watermark::Canary& canary) {
  return "Answer with a name only. " + canary.question;
}

bool is_url(const std::string& suspect) {
  return suspect.starts_with("http://") || suspect.starts_with("https://");
}

Result<std::string> ask(const Endpoint& e, const std::vector<std::string>& prompts, int samples) {
  auto connection = connect(e);
  if (!connection) return tl::unexpected(connection.error());
  std::vector<std::string> lines(prompts.size() * static_cast<size_t>(samples));
  size_t failed = 0;
  std::string first_failure = "there was nothing to ask";
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string& prompt = prompts[i / static_cast<size_t>(samples)];
    net::ChatRequest request;
    request.model = e.model;
    request.messages = {{"user", prompt}};
    request.temperature = e.temperature;
    request.max_tokens = e.max_tokens;
    connection->chat->submit(request, [&, i](const net::ChatResult& result) {
      if (result) {
        lines[i] = dumped({{"prompt", prompt}, {"answer", result->choices.front().content}});
      } else if (++failed == 1) {
        first_failure = result.error().message;
      }
    });
  }
  connection->http->run();
  return joined(e, lines, failed, first_failure);
}

Result<std::string> make_read(const Endpoint& e, const std::vector<std::string>& texts, watermark::Units units,
                              const std::string& by) {
  auto connection = connect(e);
  if (!connection) return tl::unexpected(connection.error());
  std::vector<std::string> lines(texts.size());
  size_t failed = 0;
  std::string first_failure = "there was nothing to read";
  constexpr std::string_view kWanted = "asked for /v1/completions with echo and logprobs";
  simdjson::dom::parser parser(base::kLineBytesMax);
  if (parser.allocate(1 << 16, base::kJsonDepthMax) != simdjson::SUCCESS)
    return base::fail(ErrorCode::kInternal, "no memory to read JSON in");
  for (size_t i = 0; i < texts.size(); ++i) {
    const Json body = {{"model", e.model}, {"prompt", texts[i]},
                       {"echo", true},     {"logprobs", e.tops},
                       {"max_tokens", 1},  // there are servers to which 0 is no end
                       {"temperature", 0}, {"return_tokens_as_token_ids", units == watermark::Units::kTokens}};
    connection->chat->post("/completions", dumped(body), [&, i](const Result<net::HttpResponse>& response) {
      simdjson::dom::element answer;
      if (response && response->status / 100 == 2 && parser.parse(response->body).get(answer) == simdjson::SUCCESS &&
          answer.is_object()) {
        // On one line, and whose it is first, before anything that it says of itself.
        const std::string rest = simdjson::minify(answer).substr(1);
        lines[i] = fmt::format("{{\"by\":{}{}{}\n", Json(by).dump(), rest == "}" ? "" : ",", rest);
      } else if (++failed == 1) {
        first_failure = !response                     ? response.error().message
                        : response->status / 100 == 2 ? "no JSON object"
                                                      : fmt::format("status {}, {}", response->status, kWanted);
      }
    });
  }
  connection->http->run();
  return joined(e, lines, failed, first_failure);
}

}  // namespace stillwatch::apps
