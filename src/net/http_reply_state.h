// What the handler's thread leaves for a connection's coroutine, and the other way round. Private to the module.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <string>

#include "net/http_server.h"

namespace stillwatch::net {

std::string_view reason_of(int status);

struct HttpReply::State {
  State(boost::asio::io_context& context, size_t pending_max, bool keep)
      : io(context), wake(context), pending_bytes_max(pending_max), keep_alive(keep) {
    wake.expires_at(boost::asio::steady_timer::time_point::max());
  }

  // REQUIRES: mutex is held.
  void push(std::string_view bytes, const std::shared_ptr<State>& self) {
    if (gone) return;
    if (pending.size() + bytes.size() > pending_bytes_max && begun_stream) {
      too_slow = true;
    } else {
      pending += bytes;
    }
    boost::asio::post(io, [self] { self->wake.cancel(); });
  }
  void leave() {
    std::function<void()> call;
    {
      const std::lock_guard lock(mutex);
      if (gone) return;
      gone = true;
      if (!ended) call = std::move(on_gone);
    }
    if (call) call();
  }

  boost::asio::io_context& io;
  boost::asio::steady_timer wake;
  size_t pending_bytes_max;
  std::mutex mutex;
  std::string pending;
  bool keep_alive;
  bool begun = false, begun_stream = false, ended = false, gone = false, too_slow = false, broken = false;
  std::function<void()> on_gone;
};

}  // namespace stillwatch::net
