// A connection: its bytes, in the clear or under TLS. Private to the module.
#pragma once

#include <boost/asio/write.hpp>
#include <string_view>

#include "gateway/asio.h"

namespace stillwatch::gateway {

class Stream {
 public:
  explicit Stream(asio::io_context& io) : socket_(io) {}
  // Of a connection that is open.
  explicit Stream(Socket socket) : socket_(std::move(socket)) { opened(); }

  bool is_open() const { return socket_.is_open(); }
  Socket& socket() { return socket_; }
  void close() {
    error_code ignored;
    socket_.close(ignored);
  }
  void shutdown(Socket::shutdown_type what) {
    error_code ignored;
    socket_.shutdown(what, ignored);
  }

  // An error, and nothing sent, if it cannot be reached.
  Task<error_code> connect(const Endpoint& endpoint) {
    const auto [error] = co_await socket_.async_connect(endpoint, kWait);
    if (!error) opened();
    co_return error;
  }

  Task<std::tuple<error_code, size_t>> read_some(asio::mutable_buffer room) {
    return socket_.async_read_some(room, kWait);
  }

  // Takes off `bytes` what goes out without waiting, which is nearly always all of it: a wait costs more than the
  // write.
  error_code write_now(std::string_view& bytes) {
    error_code error;
    bytes.remove_prefix(socket_.write_some(bytes_of(bytes), error));
    return error == asio::error::would_block ? error_code() : error;
  }
  // For what is left.
  Task<std::tuple<error_code, size_t>> write(std::string_view bytes) {
    return asio::async_write(socket_, bytes_of(bytes), kWait);
  }

 private:
  void opened() {
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
  }

  Socket socket_;
};

}  // namespace stillwatch::gateway
