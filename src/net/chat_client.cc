#include "net/chat_client.h"

#include <fmt/format.h>

#include <memory>

namespace stillwatch::net {
namespace {

ChatFailure failure_of(const HttpResponse& response) {
  using Kind = ChatFailure::Kind;
  const bool busy = response.status == 408 || response.status == 429 || response.status >= 500;
  const std::string_view advice = response.status == 401 || response.status == 403 ? "is the key right?"
                                  : response.status == 404 ? "does the URL end in /v1, and is the model's name right?"
                                  : busy                   ? "try again later, or with less concurrency"
                                                           : "are the parameters such as it takes?";
  return {busy ? Kind::kBusy : Kind::kRefused, response.status,
          fmt::format("the endpoint answered with status {} in {} attempt{}; {}", response.status, response.attempts,
                      response.attempts == 1 ? "" : "s", advice),
          response.body, response.attempts};
}

ChatResult result_of(base::Result<HttpResponse> response) {
  if (!response) return tl::unexpected(ChatFailure{ChatFailure::Kind::kTransport, 0, response.error().message, {}, 1});
  if (response->status < 200 || response->status >= 300) return tl::unexpected(failure_of(*response));
  ChatResult result = parse_chat_response(response->body);
  if (result) {
    result->attempts = response->attempts;
  } else {
    result.error().status = response->status;
    result.error().attempts = response->attempts;
  }
  return result;
}

}  // namespace

ChatClient::ChatClient(HttpClient& http, ChatEndpoint endpoint) : http_(http), endpoint_(std::move(endpoint)) {
  while (endpoint_.base_url.ends_with('/')) endpoint_.base_url.pop_back();
}

HttpClient::Id ChatClient::submit(const ChatRequest& request, Done done) {
  return post("/chat/completions", to_body(request),
              [done = std::move(done)](base::Result<HttpResponse> response) { done(result_of(std::move(response))); });
}

HttpClient::Id ChatClient::post(std::string_view path, std::string json, HttpClient::Done done) {
  HttpRequest request{.url = fmt::format("{}{}", endpoint_.base_url, path), .body = std::move(json)};
  request.headers.emplace_back("Content-Type", "application/json");
  if (!endpoint_.api_key.empty()) request.headers.emplace_back("Authorization", "Bearer " + endpoint_.api_key);
  return http_.submit(std::move(request), std::move(done));
}

}  // namespace stillwatch::net
