#include "gateway/worker.h"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/session.h"

namespace stillwatch::gateway {
namespace {

using boost::system::error_code;
constexpr auto kWait = asio::as_tuple(asio::use_awaitable);
constexpr size_t kIdleUpstreamsMax = 256;

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

asio::awaitable<void> serve(Worker& worker, Tcp::socket client, std::string peer) {
  Session session(worker, std::move(client), std::move(peer));
  co_await session.run();
}

}  // namespace

Worker::Worker(Shared& shared, const Tcp::endpoint& listen, error_code& error)
    : shared_(shared), acceptor_(io_), timer_(io_) {
  acceptor_.open(listen.protocol(), error);
  if (!error) acceptor_.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.set_option(ReusePort(true), error);
  if (!error) acceptor_.bind(listen, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return;
  port_ = acceptor_.local_endpoint(error).port();
  asio::co_spawn(io_, accept(), asio::detached);
  asio::co_spawn(io_, sweep(), asio::detached);
}

void Worker::run() {
  io_.run();
}

void Worker::stop() {
  asio::post(io_, [this] {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    idle_.clear();
    timer_.cancel();
  });
}

asio::awaitable<void> Worker::accept() {
  while (acceptor_.is_open()) {
    auto [error, client] = co_await acceptor_.async_accept(kWait);
    if (error) {
      if (!acceptor_.is_open()) co_return;
      // Out of descriptors or memory: others must end first.
      asio::steady_timer pause(io_, std::chrono::milliseconds(50));
      co_await pause.async_wait(kWait);
      continue;
    }
    error_code ignored;
    client.set_option(Tcp::no_delay(true), ignored);
    std::string peer = client.remote_endpoint(ignored).address().to_string();
    asio::co_spawn(io_, serve(*this, std::move(client), std::move(peer)), asio::detached);
  }
}

// Deadlines are kept once a second: a timer for every read would cost more than the read.
asio::awaitable<void> Worker::sweep() {
  constexpr std::chrono::milliseconds kSecond(1000), kWhileStopping(20);
  std::chrono::milliseconds left = shared_.settings.drain;
  while (!stopping_ || !sessions_.empty()) {
    timer_.expires_after(stopping_ ? kWhileStopping : kSecond);
    co_await timer_.async_wait(kWait);
    if (stopping_) left -= kWhileStopping;
    seconds_ += !stopping_;
    for (Session* session : sessions_) {
      if (left.count() < 0) {
        session->close();
      } else {
        session->check();
      }
    }
  }
}

Tcp::socket Worker::take_upstream() {
  while (!idle_.empty()) {
    Tcp::socket socket = std::move(idle_.back());
    idle_.pop_back();
    char byte = 0;
    const auto n = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return socket;  // neither closed nor talking out of turn
  }
  return Tcp::socket(io_);
}

void Worker::keep_upstream(Tcp::socket&& socket) {
  if (idle_.size() < kIdleUpstreamsMax && !stopping_) idle_.push_back(std::move(socket));
}

}  // namespace stillwatch::gateway
