// An HTTP/1.1 server for answers that take their time: a handler gets each request whole and answers when it likes,
// at once or as a stream of pieces, from any thread; it is told when the client has left.
//
// wire/ decides framing and refuses what two readers could read differently. Connections are kept alive; requests of
// one connection are answered one after the other. Thread rule: start and stop by one thread; the handler runs on the
// server's thread and must not wait; a Reply may be used from any one thread at a time. Bounds: HttpServerSettings.
// Units: bytes, seconds.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace stillwatch::net {

struct HttpServerSettings {
  std::string host = "127.0.0.1";
  uint16_t port = 0;  // 0: chosen
  size_t connections_max = 1024;
  size_t body_bytes_max = 8u << 20;
  size_t pending_bytes_max = 1u << 20;  // of an answer that the client does not read; beyond it is cut off
  std::chrono::seconds idle{75};        // between requests
  std::chrono::seconds arrive{30};      // for a request to arrive, once begun
  std::chrono::seconds stalled{60};     // for a client to read on
};

struct HttpRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::string_view field(std::string_view name) const;  // "" if there is none; names are compared without case
};

// The answer to one request. Destroyed unfinished, it becomes a 500, or cuts the stream off.
class HttpReply {
 public:
  struct State;
  explicit HttpReply(std::shared_ptr<State> state);
  HttpReply(HttpReply&&) noexcept;
  HttpReply& operator=(HttpReply&&) noexcept;
  ~HttpReply();

  // All of it. REQUIRES: nothing was sent before.
  void send(int status, std::string_view type, std::string_view body);
  // A stream: begin, write..., end. What was written once the client is gone is dropped.
  void begin(int status, std::string_view type);
  void write(std::string_view bytes);
  void end();
  // The client left, or reads too slowly.
  bool gone() const;
  // Called on the server's thread, once, if the client leaves before the end; at once if it has.
  void on_gone(std::function<void()> call);

 private:
  std::shared_ptr<State> state_;
};

using HttpHandler = std::function<void(HttpRequest request, HttpReply reply)>;

class HttpServer {
 public:
  // Listens when it returns.
  static base::Result<std::unique_ptr<HttpServer>> start(HttpServerSettings settings, HttpHandler handler);
  ~HttpServer();  // stops: connections are closed

  uint16_t port() const;
  size_t connections() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace stillwatch::net
