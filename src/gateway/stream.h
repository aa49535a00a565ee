// A connection: its bytes, in the clear or under TLS. Private to the module.
#pragma once

#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/asio.h"

namespace stillwatch::gateway {

class Stream {
 public:
  // One that is closed.
  explicit Stream(asio::io_context& io) : socket_(io) {}
  // Of a connection that a client opened; under TLS after handshake().
  explicit Stream(Socket socket) : socket_(std::move(socket)) { opened(); }

  bool is_open() const { return socket().is_open(); }
  Socket& socket() { return tls_ ? tls_->next_layer() : socket_; }
  const Socket& socket() const { return tls_ ? tls_->next_layer() : socket_; }

  void close() {
    error_code ignored;
    socket().close(ignored);
  }
  // The peer sees a reset, not an end.
  void reset() {
    error_code ignored;
    socket().set_option(asio::socket_base::linger(true, 0), ignored);
    close();
  }
  // Nothing more will be sent. Under TLS the peer is told so in its own words.
  Task<void> end() {
    if (tls_) co_await tls_->async_shutdown(kWait);
    shutdown_send();
  }
  void shutdown_send() {
    error_code ignored;
    socket().shutdown(Socket::shutdown_send, ignored);
  }

  Task<error_code> connect(Endpoint endpoint) {
    error_code ignored;
    socket_.close(ignored);
    const auto [error] = co_await socket_.async_connect(endpoint, kWait);
    if (!error) opened();
    co_return error;
  }
  Task<error_code> accept_tls(asio::ssl::context& context) {
    tls_ = std::make_unique<Tls>(std::move(socket_), context);
    const auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::server, kWait);
    co_return error;
  }
  // The server must prove that it is `host`.
  Task<error_code> begin_tls(asio::ssl::context& context, const std::string& host) {
    tls_ = std::make_unique<Tls>(std::move(socket_), context);
    ::SSL_set_tlsext_host_name(tls_->native_handle(), host.c_str());
    tls_->set_verify_callback(asio::ssl::host_name_verification(host));
    const auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::client, kWait);
    co_return error;
  }

  Task<std::tuple<error_code, size_t>> read_some(asio::mutable_buffer room) {
    return tls_ ? tls_->async_read_some(room, kWait) : socket_.async_read_some(room, kWait);
  }
  // What has arrived, without waiting for more; an error is left for read_some() to find.
  size_t read_now(asio::mutable_buffer room) {
    error_code error;
    return tls_ ? 0 : socket_.read_some(room, error);
  }
  // Takes off `bytes` what goes out without waiting, which is nearly always all of it: a wait costs more than the
  // write.
  error_code write_now(std::string_view& bytes) {
    if (tls_) return {};
    error_code error;
    bytes.remove_prefix(socket_.write_some(bytes_of(bytes), error));
    return error == asio::error::would_block ? error_code() : error;
  }
  // The same for a head and the body behind it, in one piece.
  error_code write_now(std::string_view& head, std::string_view& body) {
    if (head.empty()) return write_now(body);
    if (tls_) return {};
    error_code error;
    const std::array<asio::const_buffer, 2> both{bytes_of(head), bytes_of(body)};
    const size_t n = socket_.write_some(both, error);
    const size_t of_head = std::min(n, head.size());
    head.remove_prefix(of_head);
    body.remove_prefix(n - of_head);
    return error == asio::error::would_block ? error_code() : error;
  }
  // For what is left.
  Task<std::tuple<error_code, size_t>> write(std::string_view bytes) {
    return tls_ ? asio::async_write(*tls_, bytes_of(bytes), kWait) : asio::async_write(socket_, bytes_of(bytes), kWait);
  }

 private:
  using Tls = asio::ssl::stream<Socket>;

  void opened() {
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
  }

  Socket socket_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace stillwatch::gateway
