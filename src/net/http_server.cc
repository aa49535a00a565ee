#include "net/http_server.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <mutex>
#include <set>
#include <thread>

#include "net/http_reply_state.h"
#include "wire/body.h"

namespace stillwatch::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
constexpr auto kWait = asio::as_tuple(asio::use_awaitable);

}  // namespace

std::string_view HttpRequest::field(std::string_view name) const {
  for (const auto& [n, value] : fields) {
    if (wire::equal_names(n, name)) return value;
  }
  return {};
}

struct HttpServer::Impl {
  Impl(HttpServerSettings s, HttpHandler h) : settings(std::move(s)), handler(std::move(h)), acceptor(io) {}

  struct Connection {
    Connection(tcp::socket s, asio::io_context& io) : socket(std::move(s)), deadline(io) {}
    tcp::socket socket;
    asio::steady_timer deadline;
    std::string buffer;  // read and not used yet
    std::shared_ptr<HttpReply::State> reply;
    bool watching = false;  // for the client's leaving
  };
  using Shared = std::shared_ptr<Connection>;

  static void close(Connection& c) {
    error_code ignored;
    c.socket.shutdown(tcp::socket::shutdown_both, ignored);
    c.socket.close(ignored);
  }
  static void limit(const Shared& c, std::chrono::seconds time) {
    c->deadline.expires_after(time);
    c->deadline.async_wait([weak = std::weak_ptr(c)](const error_code& error) {
      const auto shared = weak.lock();
      if (!error && shared) close(*shared);
    });
  }

  asio::awaitable<bool> read_more(Connection& c) {
    std::array<char, 16384> room;
    const auto [error, n] = co_await c.socket.async_read_some(asio::buffer(room), kWait);
    if (!error) c.buffer.append(room.data(), n);
    co_return !error;
  }

  asio::awaitable<void> refuse(Shared c, int status, std::string_view why) {
    const std::string text = fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: "
        "close\r\n\r\n{}\n",
        status, reason_of(status), why.size() + 1, why);
    limit(c, settings.arrive);
    co_await asio::async_write(c->socket, asio::buffer(text), kWait);
    // What the client still sends is read for a moment, or it would not see the answer.
    error_code ignored;
    c->socket.shutdown(tcp::socket::shutdown_send, ignored);
    limit(c, std::chrono::seconds(2));
    std::array<char, 16384> room;
    for (size_t read = 0; read < settings.body_bytes_max;) {
      const auto [error, n] = co_await c->socket.async_read_some(asio::buffer(room), kWait);
      if (error) break;
      read += n;
    }
  }

  // Nothing if the connection is over.
  asio::awaitable<bool> read_request(Shared c, HttpRequest& request, bool& keep_alive) {
    limit(c, settings.idle);
    size_t seen = 0, end = std::string::npos;
    while ((end = wire::find_head_end(c->buffer, seen)) == std::string::npos) {
      if (c->buffer.size() > wire::kHeadBytesMax) {
        co_await refuse(c, 400, "the head of the request is too large");
        co_return false;
      }
      seen = c->buffer.size();
      if (!co_await read_more(*c)) co_return false;
      limit(c, settings.arrive);
    }
    const std::string head_text = c->buffer.substr(0, end);
    c->buffer.erase(0, end);
    wire::RequestHead head;
    if (const auto verdict = wire::parse_request(head_text, head); !verdict) {
      co_await refuse(c, verdict.error().status, verdict.error().reason);
      co_return false;
    }
    request.method = head.method;
    request.target = head.target;
    for (const wire::Field& f : head.fields) request.fields.emplace_back(f.name, f.value);
    keep_alive = head.keep_alive && head.minor_version == 1;
    if (head.framing == wire::Framing::kLength && head.length > settings.body_bytes_max) {
      co_await refuse(c, 413, "the body of the request is too large");
      co_return false;
    }
    if (head.expects_continue) {
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(c->socket, asio::buffer(kContinue), kWait);
    }
    wire::BodyReader body(head);
    while (!body.done()) {
      const auto step = body.next(c->buffer);
      if (!step) {
        co_await refuse(c, 400, step.error().reason);
        co_return false;
      }
      if (request.body.size() + step->payload.size() > settings.body_bytes_max) {
        co_await refuse(c, 413, "the body of the request is too large");
        co_return false;
      }
      request.body += step->payload;
      const bool stuck = step->consumed == 0;
      c->buffer.erase(0, step->consumed);
      if (stuck && !body.done() && !co_await read_more(*c)) co_return false;
    }
    co_return true;
  }

  // Reads while an answer is made: the next request's bytes, or that the client has left.
  asio::awaitable<void> watch(Shared c, std::shared_ptr<HttpReply::State> reply) {
    while (c->reply == reply && c->buffer.size() <= wire::kHeadBytesMax) {
      std::array<char, 4096> room;
      const auto [error, n] = co_await c->socket.async_read_some(asio::buffer(room), kWait);
      if (error == asio::error::operation_aborted) break;
      if (error) {
        reply->leave();
        reply->wake.cancel();
        break;
      }
      c->buffer.append(room.data(), n);
    }
    c->watching = false;
    c->deadline.cancel();
  }

  // True if the connection may go on.
  asio::awaitable<bool> answer(Shared c, HttpRequest request, bool keep_alive) {
    auto state = std::make_shared<HttpReply::State>(io, settings.pending_bytes_max, keep_alive);
    c->reply = state;
    c->deadline.expires_at(asio::steady_timer::time_point::max());
    c->watching = true;
    asio::co_spawn(io, watch(c, state), asio::detached);
    handler(std::move(request), HttpReply(state));
    bool whole = false;
    for (;;) {
      std::string bytes;
      bool ended = false, broken = false;
      {
        const std::lock_guard lock(state->mutex);
        bytes.swap(state->pending);
        ended = state->ended;
        broken = state->broken || state->too_slow || state->gone;
      }
      if (broken) break;
      if (!bytes.empty()) {
        limit(c, settings.stalled);
        const auto [error, n] = co_await asio::async_write(c->socket, asio::buffer(bytes), kWait);
        if (error) break;
        continue;
      }
      c->deadline.expires_at(asio::steady_timer::time_point::max());
      if (ended) {
        whole = true;
        break;
      }
      state->wake.expires_at(asio::steady_timer::time_point::max());
      {
        // Something may have come between.
        const std::lock_guard lock(state->mutex);
        if (!state->pending.empty() || state->ended || state->gone || state->too_slow) continue;
      }
      co_await state->wake.async_wait(kWait);
    }
    if (!whole) {
      state->leave();
      close(*c);
    }
    c->reply.reset();
    error_code ignored;
    if (whole) c->socket.cancel(ignored);
    while (c->watching) {
      c->deadline.expires_at(asio::steady_timer::time_point::max());
      co_await c->deadline.async_wait(kWait);
    }
    co_return whole&& keep_alive;
  }

  asio::awaitable<void> serve(Shared c) {
    for (;;) {
      HttpRequest request;
      bool keep_alive = false;
      if (!co_await read_request(c, request, keep_alive)) break;
      if (!co_await answer(c, std::move(request), keep_alive)) break;
    }
    close(*c);
    open.erase(c);
    count = open.size();
  }

  asio::awaitable<void> accept() {
    while (acceptor.is_open()) {
      auto [error, socket] = co_await acceptor.async_accept(kWait);
      if (error) {
        if (!acceptor.is_open()) break;
        asio::steady_timer pause(io, std::chrono::milliseconds(50));  // out of descriptors: others must end first
        co_await pause.async_wait(kWait);
        continue;
      }
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      auto c = std::make_shared<Connection>(std::move(socket), io);
      if (open.size() >= settings.connections_max) {
        asio::co_spawn(io, refuse(c, 503, "too many connections: try again later"), asio::detached);
        continue;
      }
      open.insert(c);
      count = open.size();
      asio::co_spawn(io, serve(c), asio::detached);
    }
  }

  HttpServerSettings settings;
  HttpHandler handler;
  asio::io_context io{1};
  tcp::acceptor acceptor;
  std::set<Shared> open;
  std::atomic<size_t> count{0};
  std::thread thread;
};

base::Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerSettings settings, HttpHandler handler) {
  auto impl = std::make_unique<Impl>(std::move(settings), std::move(handler));
  const auto wrong = [&](const error_code& error) {
    return base::fail(base::ErrorCode::kInternal, fmt::format("cannot listen on {}:{}: {}", impl->settings.host,
                                                              impl->settings.port, error.message()));
  };
  error_code error;
  const auto address =
      asio::ip::make_address(impl->settings.host == "localhost" ? "127.0.0.1" : impl->settings.host, error);
  if (error)
    return base::fail(base::ErrorCode::kUsage, fmt::format("{} is no address to listen on", impl->settings.host));
  const tcp::endpoint endpoint(address, impl->settings.port);
  impl->acceptor.open(endpoint.protocol(), error);
  if (!error) impl->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) impl->acceptor.bind(endpoint, error);
  if (!error) impl->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return wrong(error);
  asio::co_spawn(impl->io, impl->accept(), asio::detached);
  impl->thread = std::thread([raw = impl.get()] { raw->io.run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  asio::post(impl_->io, [raw = impl_.get()] {
    error_code ignored;
    raw->acceptor.close(ignored);
    for (const auto& c : raw->open) {
      if (c->reply) c->reply->leave();
      Impl::close(*c);
    }
  });
  impl_->thread.join();
}

uint16_t HttpServer::port() const {
  error_code ignored;
  return impl_->acceptor.local_endpoint(ignored).port();
}

size_t HttpServer::connections() const {
  return impl_->count;
}

}  // namespace stillwatch::net
