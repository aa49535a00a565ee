#include "gateway/calls.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace stillwatch::gateway {

void Session::close(Calls& calls) {
  calls.closed = true;
  for (Call& c : calls.all) c.upstream.close();
}

void Session::start_call(const std::shared_ptr<Calls>& calls, std::string request) {
  ++calls->left;
  Call& call = calls->all.emplace_back(worker_.io());
  asio::co_spawn(worker_.io(), run_call(calls, call, std::move(request)), asio::detached);
}

// Those that are under way at `until` are given up.
Task<void> Session::wait_for(std::shared_ptr<Calls> calls, Clock::time_point until) {
  calls_ = calls;
  while (calls->left > 0) {
    timer_.expires_at(calls->closed ? Clock::time_point::max() : until);
    co_await timer_.async_wait(kWait);
    if (Clock::now() >= until) close(*calls);
  }
  calls_.reset();
}

Task<void> Session::run_call(std::shared_ptr<Calls> calls, Call& call, std::string request) {
  call.good = co_await make_call(*calls, call, request);
  call.upstream.close();
  --calls->left;
  timer_.cancel();
}

Task<bool> Session::make_call(Calls& calls, Call& call, std::string_view request) {
  Stream& upstream = call.upstream;
  if (!worker_.take_upstream(upstream) && co_await worker_.connect_upstream(upstream)) co_return false;
  if (calls.closed) co_return false;
  if (std::get<0>(co_await upstream.write(request))) co_return false;

  Buffer in;
  const auto read_more = [&](size_t size) -> Task<error_code> {
    const asio::mutable_buffer room = in.room(size);
    if (room.size() == 0) co_return asio::error::message_size;
    const auto [error, n] = co_await upstream.read_some(room);
    in.fill(n);
    expect_within(worker_.shared().settings.progress);
    co_return error;
  };
  do {  // interim answers
    size_t end = 0;
    while ((end = wire::find_head_end(in.view(), 0)) == std::string_view::npos) {
      if (co_await read_more(in.view().size() < kBufferBytes ? kBufferBytes : wire::kHeadBytesMax)) co_return false;
    }
    call.head_text.assign(in.view().substr(0, end));
    in.consume(end);
    if (!wire::parse_response(call.head_text, "POST", call.head) || call.head.status == 101) co_return false;
  } while (call.head.status < 200);
  if (call.head.status != 200 || !call.head.find("content-encoding").empty()) co_return false;

  wire::BodyReader reader(call.head);
  while (!reader.done()) {
    if (in.view().empty()) {
      const error_code error = co_await read_more(kBufferBytes);
      if (error == asio::error::eof && reader.until_close()) co_return true;
      if (error) co_return false;
    }
    const auto step = reader.next(in.view());
    if (!step) co_return false;
    call.body += step->payload;
    calls.bytes += step->payload.size();
    in.consume(step->consumed);
    if (calls.bytes > kCallBytesMax) co_return false;
  }
  if (call.head.keep_alive && in.view().empty()) worker_.keep_upstream(std::move(upstream));
  co_return true;
}

}  // namespace stillwatch::gateway
