// An HTTP client for APIs: many requests at once on one thread, each tried again while it makes sense.
//
//   auto client = net::HttpClient::create({.now = apps::monotonic_now});
//   if (!client) return complain(client.error());
//   (*client)->submit({.url = url, .headers = {{"Authorization", "Bearer " + key}}, .body = json},
//                     [&](base::Result<net::HttpResponse> response) { ... });
//   (*client)->run();  // until every request has been answered
//
// net/chat_client.h speaks to OpenAI-compatible endpoints by it.
//
// What is tried again: connections that fail or break, timeouts, and the statuses 408, 429 and 5xx that can pass, but
// for an answer that was streaming already. The pause doubles from `backoff` and is spread between half and all of it
// (equal jitter); a server that says Retry-After (or retry-after-ms) is heard, and everything else waits with that
// request. The last response is handed over whatever its status; an Error is only for what gave none. A request that
// broke off may have been served, and paid for, all the same.
//
// Invariants: `done` is called exactly once, from run() or run_once(), unless the request was cancelled; requests begin
// in the order of submission. Redirects are not followed: they would carry the key elsewhere. Bodies, header values and
// queries of URLs are in no message. Thread rule: one thread, but for interrupt(). Bounds: HttpSettings; what waits is
// the caller's to bound. Units: milliseconds, bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace stillwatch::net {

struct HttpSettings {
  // From any origin, never backwards. Only pauses are timed by it; REQUIRED.
  std::function<std::chrono::milliseconds()> now;
  // Instead of waiting, where only pauses are left; for tests. Without it the wait ends early on interrupt().
  std::function<void(std::chrono::milliseconds)> sleep{};
  uint64_t seed = 1;  // of the spread of pauses
  size_t concurrency = 8;
  int attempts_max = 6;
  std::chrono::milliseconds backoff{500};
  std::chrono::milliseconds backoff_max{60'000};
  std::chrono::milliseconds retry_after_max{600'000};  // a longer one is taken as this
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds timeout{600'000};  // of one attempt, from its start to its last byte
  size_t response_bytes_max = size_t{32} << 20;
  std::string ca_file{};  // PEM; "" for the system's
  std::string proxy{};    // "" for none
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "POST";
  std::string url{};
  HttpHeaders headers{};
  std::string body{};
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers{};  // names in lower case
  std::string body{};     // empty where it was streamed
  int attempts = 0;

  std::string_view header(std::string_view name) const;  // "" if it has none
};

class HttpClient {
 public:
  using Id = uint64_t;
  using Done = std::function<void(base::Result<HttpResponse>)>;
  // Gets the body of a 2xx answer in pieces as they come; false breaks it off.
  using OnData = std::function<bool(std::string_view)>;

  static base::Result<std::unique_ptr<HttpClient>> create(HttpSettings settings);
  ~HttpClient();

  // These may be called from within `done`, but for cancel_all.
  Id submit(HttpRequest request, Done done, OnData on_data = {});
  void cancel(Id id);  // its `done` is not called
  void cancel_all();

  // Works until every request has been answered: true. False if interrupted; what is left can be run or cancelled.
  bool run();
  // The same until something has happened, or for `wait`; true while requests are left.
  bool run_once(std::chrono::milliseconds wait);
  size_t pending() const;

  // From any thread: run() returns as soon as it can.
  void interrupt();

 private:
  struct State;
  explicit HttpClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace stillwatch::net
