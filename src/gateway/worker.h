// One thread of the gateway: its listener, its sessions, its idle connections to the upstream. Private to the module.
#pragma once

#include <list>

#include "gateway/asio.h"
#include "gateway/gateway.h"
#include "gateway/stream.h"

namespace stillwatch::gateway {

struct RelayCounts {
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> refused{0};            // by us, for their framing
  std::atomic<uint64_t> upstream_failures{0};  // answered with 502, or cut
  std::atomic<uint64_t> connections{0};        // open now
};

// What all threads share.
struct Shared {
  Settings settings;
  Identity identity;
  Observer observer;
  RelayCounts counts;
  Endpoint upstream;
};

class Session;

class Worker {
 public:
  Worker(Shared& shared, const Endpoint& listen, error_code& error);
  uint16_t port() const { return port_; }
  void run();   // until stop() and the last session
  void stop();  // from any thread

  Shared& shared() { return shared_; }
  asio::io_context& io() { return io_; }
  bool stopping() const { return stopping_; }
  int64_t seconds() const { return seconds_; }  // that this thread has run, about

  // An idle connection that is still open, or a closed socket.
  Stream take_upstream();
  void keep_upstream(Stream&& stream);

 private:
  friend class Session;
  Task<void> sweep();

  Shared& shared_;
  asio::io_context io_{1};
  Acceptor acceptor_;
  Timer timer_;
  std::list<Session*> sessions_;
  std::vector<Stream> idle_;
  uint16_t port_ = 0;
  bool stopping_ = false;
  int64_t seconds_ = 0;
};

Task<void> serve_admin(Acceptor& acceptor, Shared& shared);

}  // namespace stillwatch::gateway
