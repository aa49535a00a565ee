#include "net/http_server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <thread>

namespace stillwatch::net {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Tcp = boost::asio::ip::tcp;

// A client that sends bytes as they are and reads until the connection ends.
class Client {
 public:
  explicit Client(const HttpServer& server) : socket_(io_) {
    socket_.connect({boost::asio::ip::address_v4::loopback(), server.port()});
  }
  void send(std::string_view bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }
  std::string read_some() {
    std::array<char, 65536> room{};
    boost::system::error_code error;
    const size_t n = socket_.read_some(boost::asio::buffer(room), error);
    return {room.data(), n};
  }
  std::string read_until(std::string_view end) {
    std::string all;
    for (std::string more = read_some(); !more.empty(); more = read_some()) {
      all += more;
      if (all.ends_with(end)) break;
    }
    return all;
  }
  std::string read_all() { return read_until("\x01 never"); }

 private:
  boost::asio::io_context io_;
  Tcp::socket socket_;
};

std::unique_ptr<HttpServer> start(HttpHandler handler, HttpServerSettings settings = {}) {
  auto server = HttpServer::start(std::move(settings), std::move(handler));
  EXPECT_TRUE(server) << server.error().message;
  return std::move(*server);
}

// Says what was asked.
void echo(HttpRequest r, HttpReply reply) {
  reply.send(200, "text/plain", fmt::format("{} {} {} {}", r.method, r.target, r.field("X-Mark"), r.body));
}

TEST(HttpServer, AnswersRequestsOfOneConnectionInTurn) {
  const auto server = start(echo);
  Client c(*server);
  c.send(
      "POST /a HTTP/1.1\r\nHost: h\r\nx-mark: 1\r\nContent-Length: 2\r\n\r\nhi"
      "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nyo\r\n0\r\n\r\n");
  const std::string both = c.read_until("POST /b  yo");
  EXPECT_THAT(both, HasSubstr("Connection: keep-alive"));
  EXPECT_THAT(both, HasSubstr("POST /a 1 hiHTTP/1.1 200"));
  c.send("GET /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string last = c.read_all();
  EXPECT_THAT(last, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(last.ends_with("GET /c  "));
}

TEST(HttpServer, StreamsFromAnotherThread) {
  std::thread thread;
  const auto server = start([&](HttpRequest, HttpReply reply) {
    thread = std::thread([r = std::move(reply)]() mutable {
      r.begin(200, "text/event-stream");
      for (int i = 0; i < 3; ++i) r.write(fmt::format("piece {};", i));
      r.end();
    });
  });
  Client c(*server);
  c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string all = c.read_until("0\r\n\r\n");
  EXPECT_THAT(all, HasSubstr("8\r\npiece 0;\r\n8\r\npiece 1;\r\n8\r\npiece 2;\r\n0\r\n\r\n"));
  thread.join();
}

TEST(HttpServer, TellsThatTheClientLeft) {
  std::atomic<bool> told{false};
  std::optional<HttpReply> kept;
  const auto server = start([&](HttpRequest, HttpReply reply) {
    reply.begin(200, "text/plain");
    reply.on_gone([&] { told = true; });
    kept.emplace(std::move(reply));
  });
  {
    Client c(*server);
    c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    c.read_some();
  }
  for (int i = 0; i < 1000 && !told; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_TRUE(told);
  EXPECT_TRUE(kept->gone());
  for (int i = 0; i < 1000 && server->connections() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_EQ(server->connections(), 0U);
  kept.reset();
}

TEST(HttpServer, AClientThatDoesNotReadIsCutOff) {
  HttpServerSettings s;
  s.pending_bytes_max = 100'000;
  std::optional<HttpReply> kept;
  std::atomic<bool> ready{false};
  const auto server = start(
      [&](HttpRequest, HttpReply reply) {
        reply.begin(200, "text/plain");
        kept.emplace(std::move(reply));
        ready = true;
      },
      s);
  Client c(*server);
  c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  while (!ready) std::this_thread::yield();
  const std::string piece(50'000, 'x');
  for (int i = 0; i < 2000 && !kept->gone(); ++i) {
    kept->write(piece);
    if (i % 50 == 49) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(kept->gone());
  kept.reset();
}

TEST(HttpServer, RepliesThatAreGivenUpAreErrors) {
  const auto server = start([](HttpRequest r, HttpReply reply) {
    if (r.target == "/begun") reply.begin(200, "text/plain");
  });
  Client c(*server);
  c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(c.read_until("up\n"), StartsWith("HTTP/1.1 500 "));
  c.send("GET /begun HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(c.read_all(), testing::Not(HasSubstr("0\r\n\r\n")));  // cut off, not ended
}

TEST(HttpServer, RefusesWhatIsTooLargeOrNoRequest) {
  HttpServerSettings s;
  s.body_bytes_max = 100;
  const auto server = start(echo, s);
  const auto refused = [&](std::string_view request) {
    Client c(*server);
    c.send(request);
    return c.read_all();
  };
  EXPECT_THAT(refused("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(refused("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') +
                      "\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(refused("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(refused("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST(HttpServer, SaysWhenThePortIsTaken) {
  const auto first = start(echo);
  HttpServerSettings s;
  s.port = first->port();
  const auto second = HttpServer::start(s, echo);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr(fmt::format("cannot listen on 127.0.0.1:{}", s.port)));
}

}  // namespace
}  // namespace stillwatch::net
