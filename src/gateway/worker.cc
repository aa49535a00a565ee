#include "gateway/worker.h"

#include <pthread.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "gateway/session.h"

namespace stillwatch::gateway {
namespace {

constexpr size_t kIdleUpstreamsMax = 256;

Task<void> serve(Worker& worker, Socket client, std::string peer) {
  Session session(worker, Stream(std::move(client)), std::move(peer));
  co_await session.run();
}

}  // namespace

Worker::Worker(Shared& shared, const Endpoint& listen, error_code& error)
    : shared_(shared), acceptor_(io_), timer_(io_) {
  listen_on(acceptor_, listen, true, error);
  if (error) return;
  port_ = acceptor_.local_endpoint(error).port();
  const auto take = [this](Socket client) {
    error_code ignored;
    std::string peer = client.remote_endpoint(ignored).address().to_string();
    asio::co_spawn(io_, serve(*this, std::move(client), std::move(peer)), asio::detached);
  };
  asio::co_spawn(io_, accept_all(acceptor_, take), asio::detached);
  asio::co_spawn(io_, sweep(), asio::detached);
}

void Worker::run() {
  ::pthread_setname_np(::pthread_self(), "relay");
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

// Deadlines are kept once a second: a timer for every read would cost more than the read.
Task<void> Worker::sweep() {
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

Stream Worker::take_upstream() {
  while (!idle_.empty()) {
    Stream stream = std::move(idle_.back());
    idle_.pop_back();
    char byte = 0;
    const auto n = ::recv(stream.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return stream;  // neither closed nor talking out of turn
  }
  return Stream(io_);
}

void Worker::keep_upstream(Stream&& stream) {
  if (idle_.size() < kIdleUpstreamsMax && !stopping_) idle_.push_back(std::move(stream));
}

}  // namespace stillwatch::gateway
