// The other end that tests of clients speak to: a server on a free port of loopback with blocking sockets, a thread a
// connection, that answers every request with what a function makes of it. For tests only.
#pragma once

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "wire/body.h"
#include "wire/head.h"

namespace stillwatch::net {

class TestServer {
 public:
  struct Request {
    std::string head;  // as it came
    std::string body;
    int number = 0;  // of all requests so far, from 1
  };
  // Raw bytes of an answer; "" closes the connection, and so does an answer without its length.
  using Reply = std::function<std::string(const Request&)>;

  explicit TestServer(Reply reply) : reply_(std::move(reply)), acceptor_(io_, {Ip::loopback(), 0}) {
    thread_ = std::thread([this] { accept(); });
  }
  ~TestServer() {
    stopping_ = true;
    boost::system::error_code ignored;
    Tcp::socket wake(io_);
    wake.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
    for (Connection& c : connections_) c.socket.shutdown(Tcp::socket::shutdown_both, ignored);
    for (Connection& c : connections_) c.thread.join();
  }
  std::string url(std::string_view path = "/v1") const {
    return fmt::format("http://127.0.0.1:{}{}", acceptor_.local_endpoint().port(), path);
  }
  int requests() const { return requests_; }
  int at_once_max() const { return at_once_max_; }

  static std::string answer(std::string_view body, int status = 200, std::string_view headers = {}) {
    return fmt::format("HTTP/1.1 {} Status\r\nContent-Type: application/json\r\n{}Content-Length: {}\r\n\r\n{}", status,
                       headers, body.size(), body);
  }

 private:
  using Tcp = boost::asio::ip::tcp;
  using Ip = boost::asio::ip::address_v4;
  struct Connection {
    Tcp::socket socket;
    std::thread thread;
  };

  void accept() {
    while (true) {
      Connection& c = connections_.emplace_back(Connection{acceptor_.accept(), {}});
      if (stopping_) {
        c.thread = std::thread([] {});
        return;
      }
      c.thread = std::thread([this, &c] { serve(c.socket); });
    }
  }
  static bool fill(Tcp::socket& socket, std::string& left) {
    std::array<char, 4096> room{};
    boost::system::error_code error;
    const size_t n = socket.read_some(boost::asio::buffer(room), error);
    left.append(room.data(), n);
    return !error;
  }
  void serve(Tcp::socket& socket) {
    std::string left;
    while (true) {
      Request request;
      size_t end = 0;
      while ((end = wire::find_head_end(left, 0)) == std::string::npos) {
        if (!fill(socket, left)) return;
      }
      request.head = left.substr(0, end);
      left.erase(0, end);
      wire::RequestHead head;
      if (!wire::parse_request(request.head, head)) return;
      wire::BodyReader body(head);
      while (!body.done()) {
        if (left.empty() && !fill(socket, left)) return;
        const auto step = body.next(left);
        if (!step) return;
        request.body += step->payload;
        left.erase(0, step->consumed);
      }
      request.number = ++requests_;
      const int now = ++at_once_;
      for (int most = at_once_max_; now > most && !at_once_max_.compare_exchange_weak(most, now);) continue;
      const std::string out = reply_(request);
      --at_once_;
      boost::system::error_code error;
      boost::asio::write(socket, boost::asio::buffer(out), error);
      if (error || (out.find("Content-Length") == out.npos && out.find("chunked") == out.npos)) {
        socket.shutdown(Tcp::socket::shutdown_both, error);
        return;
      }
    }
  }

  Reply reply_;
  boost::asio::io_context io_;
  Tcp::acceptor acceptor_;
  std::list<Connection> connections_;
  std::thread thread_;
  std::atomic<int> requests_{0}, at_once_{0}, at_once_max_{0};
  std::atomic<bool> stopping_{false};
};

}  // namespace stillwatch::net
