#include "gateway/worker.h"

#include <pthread.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "gateway/session.h"

namespace stillwatch::gateway {
namespace {

constexpr size_t kIdleUpstreamsMax = 256;
constexpr int64_t kIdleUpstreamSeconds = 60;
constexpr int64_t kResolvedForSeconds = 60;

// Neither closed nor talking out of turn.
bool quiet(Stream& stream) {
  char byte = 0;
  const auto n = ::recv(stream.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

Task<void> serve(Worker& worker, Socket client, std::string peer) {
  Session session(worker, Stream(std::move(client)), std::move(peer));
  co_await session.run();
}

}  // namespace

Worker::Worker(Shared& shared, const Endpoint& listen, bool first, error_code& error)
    : shared_(shared), acceptor_(io_), timer_(io_) {
  // The first thread's port must be free; the others share it.
  if (first) {
    Acceptor probe(io_);
    listen_on(probe, listen, false, error);
    if (error) return;
  }
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
    std::erase_if(idle_, [this](Idle& i) { return seconds_ - i.since > kIdleUpstreamSeconds || !quiet(i.stream); });
    for (Session* session : sessions_) {
      if (left.count() < 0) {
        session->close();
      } else {
        session->check();
      }
    }
  }
}

Task<void> Worker::resolve() {
  const Address& address = shared_.settings.upstream;
  asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(io_);
  const auto [error, found] = co_await resolver.async_resolve(address.host, std::to_string(address.port), kWait);
  resolved_at_ = seconds_;
  if (error || found.empty()) co_return;  // the addresses known before may still be right
  upstream_.clear();
  for (const auto& entry : found) upstream_.push_back(entry.endpoint());
}

bool Worker::take_upstream(Stream& stream) {
  while (!idle_.empty()) {
    stream = std::move(idle_.back().stream);
    idle_.pop_back();
    if (quiet(stream)) return true;
  }
  return false;
}

Task<error_code> Worker::connect_upstream(Stream& stream) {
  if (upstream_.empty() || seconds_ - resolved_at_ > kResolvedForSeconds) co_await resolve();
  error_code error = asio::error::host_not_found;
  for (size_t i = 0; i < upstream_.size(); ++i) {
    stream = Stream(io_);
    const Endpoint endpoint = upstream_[i];
    error = co_await stream.connect(endpoint);
    if (error) continue;
    if (i > 0 && i < upstream_.size()) std::swap(upstream_[0], upstream_[i]);  // first the next time
    if (shared_.upstream_tls) error = co_await stream.begin_tls(*shared_.upstream_tls, shared_.settings.upstream.host);
    break;
  }
  co_return error;
}

void Worker::keep_upstream(Stream&& stream) {
  if (idle_.size() < kIdleUpstreamsMax && !stopping_) idle_.push_back({std::move(stream), seconds_});
}

}  // namespace stillwatch::gateway
