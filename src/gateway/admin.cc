// The admin port: one request a connection; api.h has what it answers.
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>

#include "gateway/api.h"
#include "wire/body.h"

namespace stillwatch::gateway {
namespace {

constexpr size_t kBodyBytesMax = 64u << 10;
constexpr std::chrono::seconds kTimeMax(10);

struct Request {
  wire::RequestHead head;
  std::string head_text;
  std::string body;
};

// False if the connection ended or what came is no request.
Task<bool> read_request(Socket& client, Request& r) {
  std::string bytes;
  std::array<char, 4096> room{};
  size_t end = std::string::npos;
  while (end == std::string::npos) {
    const auto [error, n] = co_await client.async_read_some(asio::buffer(room), kWait);
    if (error || bytes.size() + n > wire::kHeadBytesMax) co_return false;
    const size_t seen = bytes.size();
    bytes.append(room.data(), n);
    end = wire::find_head_end(bytes, seen);
  }
  r.head_text = bytes.substr(0, end);
  if (!wire::parse_request(r.head_text, r.head)) co_return false;
  bytes.erase(0, end);
  wire::BodyReader body(r.head);
  while (!body.done()) {
    if (bytes.empty()) {
      const auto [error, n] = co_await client.async_read_some(asio::buffer(room), kWait);
      if (error) co_return false;
      bytes.assign(room.data(), n);
    }
    const auto step = body.next(bytes);
    if (!step || r.body.size() + step->payload.size() > kBodyBytesMax) co_return false;
    r.body += step->payload;
    bytes.erase(0, step->consumed);
  }
  co_return true;
}

Task<void> serve_one(std::shared_ptr<Socket> client, Shared& shared, std::shared_ptr<Timer> limit) {
  Request request;
  const bool read = co_await read_request(*client, request);
  const Reply reply = read ? reply_to(request.head, request.body, shared) : error_reply(400, "this is not a request");
  std::string out =
      fmt::format("HTTP/1.1 {} {}\r\n{}Content-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                  reply.status, reply.status == 200 ? "OK" : "Error", reply.fields, reply.type, reply.body.size());
  if (request.head.method != "HEAD") out += reply.body;
  co_await asio::async_write(*client, asio::buffer(out), kWait);
  error_code ignored;
  client->shutdown(Socket::shutdown_both, ignored);
  limit->cancel();
}

}  // namespace

Task<void> serve_admin(Acceptor& acceptor, Shared& shared, asio::io_context& io) {
  return accept_all(acceptor, [&shared, &io](Socket accepted) {
    auto client = std::make_shared<Socket>(std::move(accepted));
    auto limit = std::make_shared<Timer>(io, kTimeMax);
    limit->async_wait([client](const error_code& error) {
      error_code ignored;
      if (!error) client->close(ignored);
    });
    asio::co_spawn(io, serve_one(client, shared, limit), asio::detached);
  });
}

}  // namespace stillwatch::gateway
