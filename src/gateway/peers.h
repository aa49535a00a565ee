// The two ends that tests and rehearsals put around a gateway: a client and a model server, with blocking sockets on
// loopback. Thread rule: a client is its thread's; a server replies on as many threads as it has connections.
#pragma once

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "wire/body.h"

namespace stillwatch::gateway {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

// Reads one whole message off a socket: its raw bytes and its payload. Empty at the end of the connection.
struct Message {
  std::string raw;
  std::string payload;
};

template <typename Parse>
Message read_message(Tcp::socket& socket, std::string& left, Parse framing_of) {
  Message m;
  std::array<char, 4096> room{};
  size_t end = std::string::npos;
  while ((end = wire::find_head_end(left, 0)) == std::string::npos) {
    error_code error;
    const size_t n = socket.read_some(asio::buffer(room), error);
    if (error) return {};
    left.append(room.data(), n);
  }
  m.raw = left.substr(0, end);
  left.erase(0, end);
  wire::BodyReader body = framing_of(m.raw);
  while (!body.done()) {
    if (left.empty()) {
      error_code error;
      const size_t n = socket.read_some(asio::buffer(room), error);
      if (error) return m;
      left.append(room.data(), n);
    }
    const auto step = body.next(left);
    if (!step || step->consumed == 0) return m;
    m.payload += step->payload;
    m.raw += left.substr(0, step->consumed);
    left.erase(0, step->consumed);
  }
  return m;
}

inline wire::BodyReader of_request(const std::string& raw) {
  wire::RequestHead head;
  return wire::parse_request(raw, head) ? wire::BodyReader(head) : wire::BodyReader();
}
inline wire::BodyReader of_response(const std::string& raw) {
  wire::ResponseHead head;
  return wire::parse_response(raw, "GET", head) ? wire::BodyReader(head) : wire::BodyReader();
}

inline std::string answer(std::string_view body, std::string_view type = "application/json") {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: {}\r\nX-From: upstream\r\nContent-Length: {}\r\n\r\n{}", type,
                     body.size(), body);
}

// A model server that answers every request with what `reply` makes of it; "" closes the connection.
class Upstream {
 public:
  using Reply = std::function<std::string(const Message&)>;
  explicit Upstream(Reply reply, uint16_t port = 0)
      : reply_(std::move(reply)), acceptor_(io_, {asio::ip::address_v4::loopback(), port}) {
    thread_ = std::thread([this] { accept(); });
  }
  ~Upstream() {
    stopping_ = true;
    asio::io_context io;
    Tcp::socket wake(io);
    error_code ignored;
    wake.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
    for (auto& t : connections_) t.join();
  }
  uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::string received() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }
  int accepted() const { return accepted_; }

 private:
  void accept() {
    while (true) {
      auto socket = std::make_shared<Tcp::socket>(acceptor_.accept());
      if (stopping_) return;
      ++accepted_;
      connections_.emplace_back([this, socket] { serve(*socket); });
    }
  }
  void serve(Tcp::socket& socket) {
    std::string left;
    while (true) {
      if (interim_) {  // says 100 as soon as there is a head
        std::array<char, 4096> room{};
        error_code error;
        while (wire::find_head_end(left, 0) == std::string::npos) {
          const size_t n = socket.read_some(asio::buffer(room), error);
          if (error) return;
          left.append(room.data(), n);
        }
        asio::write(socket, asio::buffer(std::string("HTTP/1.1 100 Continue\r\n\r\n")), error);
      }
      const Message m = read_message(socket, left, of_request);
      if (m.raw.empty()) return;
      if (records_) {
        const std::lock_guard lock(mutex_);
        received_ += m.raw;
      }
      const std::string out = reply_(m);
      error_code error;
      if (!out.empty()) asio::write(socket, asio::buffer(out), error);
      if (out.empty() || error || (out.find("Content-Length") == out.npos && out.find("chunked") == out.npos)) {
        socket.shutdown(Tcp::socket::shutdown_both, error);
        return;
      }
    }
  }

 public:
  std::atomic<bool> interim_{false};
  std::atomic<bool> records_{true};  // what it received

 private:
  Reply reply_;
  asio::io_context io_;
  Tcp::acceptor acceptor_;
  std::thread thread_;
  std::vector<std::thread> connections_;
  mutable std::mutex mutex_;
  std::string received_;
  std::atomic<int> accepted_{0};
  std::atomic<bool> stopping_{false};
};

class Client {
 public:
  explicit Client(uint16_t port) : socket_(io_) { socket_.connect({asio::ip::address_v4::loopback(), port}); }
  explicit Client(uint16_t port, error_code& error) : socket_(io_) {
    socket_.connect({asio::ip::address_v4::loopback(), port}, error);
  }
  void send(std::string_view bytes) {
    error_code ignored;
    asio::write(socket_, asio::buffer(bytes.data(), bytes.size()), ignored);
  }
  // Reads on until what has come and was not received yet holds `mark`; false if the connection ends before.
  bool wait_for(std::string_view mark) {
    std::array<char, 4096> room{};
    while (left_.find(mark) == left_.npos) {
      error_code error;
      const size_t n = socket_.read_some(asio::buffer(room), error);
      if (error) return false;
      left_.append(room.data(), n);
    }
    return true;
  }
  Message receive() { return read_message(socket_, left_, of_response); }
  Message ask(std::string_view bytes) {
    send(bytes);
    return receive();
  }
  bool at_end() {
    std::array<char, 1> byte{};
    error_code error;
    return left_.empty() && socket_.read_some(asio::buffer(byte), error) == 0;
  }

 private:
  asio::io_context io_;
  Tcp::socket socket_;
  std::string left_;
};

}  // namespace stillwatch::gateway
