#include "gateway/session.h"

#include <poll.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstring>

namespace stillwatch::gateway {

asio::mutable_buffer Buffer::room(size_t size) {
  const size_t held = end_ - begin_;
  if (held >= size) return {};
  if (size_ - begin_ < size) {
    if (size_ < size) {
      move_to(size);
    } else {
      std::memmove(data_.get(), data_.get() + begin_, held);
      begin_ = 0;
      end_ = held;
    }
  }
  return asio::buffer(data_.get() + end_, size - held);
}

void Buffer::shrink() {
  if (size_ > kBufferBytes && begin_ == end_) move_to(0);
}

void Buffer::move_to(size_t size) {
  auto data = size == 0 ? nullptr : std::make_unique_for_overwrite<char[]>(size);
  if (end_ > begin_) std::memcpy(data.get(), data_.get() + begin_, end_ - begin_);
  data_ = std::move(data);
  size_ = size;
  end_ -= std::exchange(begin_, 0);
}

Session::Session(Worker& worker, Stream client, std::string peer)
    : worker_(worker),
      place_(worker.sessions_.insert(worker.sessions_.end(), this)),
      client_(std::move(client)),
      upstream_(worker.io()),
      peer_(std::move(peer)),
      timer_(worker.io()) {
  expect_within(worker.shared().settings.head);
  ++worker.shared().counts.connections;
}

Session::~Session() {
  stop_observing();
  worker_.sessions_.erase(place_);
  --worker_.shared().counts.connections;
}

void Session::close() {
  client_.close();
  upstream_.close();
  if (calls_) close(*calls_);
  timer_.cancel();
}

void Session::check() {
  if (worker_.seconds() > deadline_ || (worker_.stopping() && idle_) || client_left()) close();
  moved_ = false;
}

// Whether it closed its side, be there unread bytes or not, while it waits for us; one whose upload moves is at work.
bool Session::client_left() {
  if (!waiting_ || moved_ || !client_.is_open()) return false;
  pollfd p{client_.socket().native_handle(), POLLRDHUP, 0};
  return ::poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLERR | POLLHUP)) != 0;
}

Task<void> Session::run() {
  bool more = true;
  if (asio::ssl::context* tls = worker_.shared().tls_of_listener()) more = !co_await client_.accept_tls(*tls);
  while (more) more = co_await exchange();
  waiting_ = false;
  if (client_.is_open()) co_await linger();
  close();
}

// Reads on for a while after the last answer: closing at once with bytes unread would reset the connection, and the
// client might lose that answer (RFC 9112, section 9.6).
Task<void> Session::linger() {
  idle_ = true;  // not to be waited for when the gateway stops
  expect_within(worker_.shared().settings.linger);
  co_await client_.end();
  upstream_.close();
  while (client_.is_open()) {
    from_client_.clear();
    const auto [error, n] = co_await client_.read_some(from_client_.room(kBufferBytes));
    if (error) break;
  }
}

// Until from_client_ begins with a whole head; false at the end of the connection.
Task<bool> Session::read_head() {
  size_t seen = 0;
  while (true) {
    while (from_client_.view().starts_with("\r\n")) {  // left over by old clients (RFC 9112, section 2.2)
      from_client_.consume(2);
      seen = 0;
    }
    const size_t end = wire::find_head_end(from_client_.view(), seen);
    if (end != std::string_view::npos) {
      request_head_text_.assign(from_client_.view().substr(0, end));
      from_client_.consume(end);
      co_return true;
    }
    seen = from_client_.view().size();
    const asio::mutable_buffer room =
        from_client_.room(from_client_.view().size() < kBufferBytes ? kBufferBytes : wire::kHeadBytesMax);
    if (room.size() == 0) {
      ++worker_.shared().counts.refused;
      co_return co_await refuse(431, "the head is too long");
    }
    const auto [error, n] = co_await client_.read_some(room);
    if (error) {
      close();
      co_return false;
    }
    if (idle_) {
      idle_ = false;
      expect_within(worker_.shared().settings.head);
    }
    from_client_.fill(n);
    came_ = worker_.shared().ticks();
  }
}

void Session::release_charge() {
  if (charged_ > 0) worker_.shared().observed_bytes.fetch_sub(charged_, std::memory_order_relaxed);
  charged_ = 0;
}

// Gives the memory back: a connection may idle for long after a large body.
void Session::stop_observing() {
  observable_ = false;
  release_charge();
  std::string().swap(observation_.request);
  std::string().swap(observation_.response);
}

// A body whose length is known is read in few pieces.
asio::mutable_buffer Session::room_for(const wire::BodyReader& body, Buffer& buffer) {
  const uint64_t size = std::min<uint64_t>(buffer.view().size() + body.left(), kBodyBufferBytes);
  return buffer.room(std::max<size_t>(size, kBufferBytes));
}

void Session::observe(std::string& into, std::string_view payload, uint64_t to_come) {
  if (!observable_) return;
  // Small bodies are not worth the counting.
  constexpr size_t kStep = 256u << 10;
  const size_t size = observation_.request.size() + observation_.response.size() + payload.size();
  Shared& shared = worker_.shared();
  bool room = into.size() + payload.size() <= kObservedBodyBytesMax;
  if (room && size > charged_ + kStep) {
    const size_t more = size - charged_;
    charged_ += more;
    room = shared.observed_bytes.fetch_add(more, std::memory_order_relaxed) + more <= kUnderWayBytesMax;
  }
  if (!room) {
    stop_observing();
    shared.observer.shed();
    return;
  }
  // The rest of it is on its way: better room for all than a copy for each doubling, and room behind it for the parser
  // than one more.
  if (into.empty()) into.reserve(std::min<size_t>(kStep, payload.size() + to_come) + kParserPadding);
  into.append(payload);
}

// How much of `bytes` belongs to the request's body; false if its framing is broken.
bool Session::take_request_body(std::string_view bytes, size_t& consumed) {
  consumed = 0;
  while (!request_body_.done() && consumed < bytes.size()) {
    const auto step = request_body_.next(bytes.substr(consumed));
    if (!step) return false;
    observe(observation_.request, step->payload, request_body_.left());
    consumed += step->consumed;
  }
  return true;
}

// Until the whole request is here, or as much of it as is held of a body; false if it does not come or is broken.
Task<bool> Session::read_whole(size_t& consumed) {
  waiting_ = false;
  while (!request_body_.done()) {
    const asio::mutable_buffer room = from_client_.room(kBodyBufferBytes);
    if (room.size() == 0) break;
    const auto [error, n] = co_await client_.read_some(room);
    if (error) {
      close();
      co_return false;
    }
    from_client_.fill(n);
    size_t more = 0;
    if (!take_request_body(from_client_.view().substr(consumed), more)) {
      ++worker_.shared().counts.refused;
      co_return co_await refuse(400, "the framing of the body is broken");
    }
    consumed += more;
    expect_within(worker_.shared().settings.progress);
  }
  waiting_ = true;
  co_return true;
}

// What the client still sends of its body, while the answer may already come back.
Task<void> Session::upload() {
  bool good = true;
  while (good && !request_body_.done()) {
    if (from_client_.view().empty()) {
      const auto [error, n] = co_await client_.read_some(room_for(request_body_, from_client_));
      client_failed_ = static_cast<bool>(error);
      if (error) break;
      from_client_.fill(n);
    }
    size_t consumed = 0;
    good = take_request_body(from_client_.view(), consumed);
    client_failed_ = !good;
    if (!good) break;
    const auto [error, n] = co_await upstream_.write(from_client_.view().substr(0, consumed));
    good = !error;
    from_client_.consume(consumed);
    moved_ = true;
    if (good) expect_within(worker_.shared().settings.progress);
  }
  upload_ = request_body_.done() && good ? Upload::kDone : Upload::kFailed;
  if (client_failed_) {
    // The upstream must not take half a body for a whole one; it may have answered already.
    upstream_.shutdown_send();
    if (!good) upstream_.close();
  }
  timer_.cancel();
}

void Session::begin_observation() {
  Shared& shared = worker_.shared();
  release_charge();
  observation_.request.clear();
  observation_.response.clear();
  observation_.time = shared.time_of(request_);
  observation_.network = shared.identity.network_of(request_, peer_);
  observation_.account = shared.identity.account_of(request_, observation_.network);
  observation_.client = request_.find("user-agent");
  observation_.target = request_.target;
  observable_ = true;
}

// What the policy wants done before a request of this account goes on.
Task<bool> Session::hold_back() {
  edits_ = 0;
  drafts_ = 0;
  edit_.reset();
  Shared& shared = worker_.shared();
  const auto decided = shared.standings.find(observation_.account);
  if (!decided) co_return true;
  verdict::Decision decision = decided->decision;
  const base::Time now = shared.settings.now();
  if (decision.challenge != nullptr && shared.challenges.passes(observation_.account, now)) {
    decision.challenge = nullptr;
    decision.enforced &= static_cast<uint8_t>(~(1u << static_cast<int>(verdict::Rung::kChallenge)));
  }
  shared.policy_counts.note(decision);
  if (decision.refusal != nullptr)
    co_return co_await refuse(decision.refusal->status, decision.refusal->message, "policy",
                              decision.refusal->status == 429 ? decision.refusal->retry_after_s : 0);
  if (decision.challenge != nullptr)
    co_return co_await refuse_with(403, shared.challenges.ask(observation_.account, *decision.challenge, now));
  edits_ = decision.what;
  if (!shared.marker) edits_ &= verdict::kLogprobs | verdict::kReasoning;
  if ((edits_ & verdict::kWatermark) != 0) drafts_ = decision.drafts;
  marked_campaign_ = decision.campaign_key ? decided->campaign : std::string();
  std::chrono::milliseconds wait(decision.delay_ms);
  for (const bool as_campaign : {true, false}) {
    const uint32_t per_minute = as_campaign ? decision.campaign_per_minute : decision.per_minute;
    if (per_minute == 0) continue;
    constexpr std::chrono::milliseconds kLongest(verdict::kDelayMsMax);
    const auto turn = as_campaign ? shared.campaign_turns.take(decided->campaign, per_minute, now, kLongest)
                                  : shared.turns.take(observation_.account, per_minute, now, kLongest);
    if (turn > kLongest) {
      co_return co_await refuse(429, "too many requests", "policy",
                                static_cast<uint32_t>(std::chrono::ceil<std::chrono::seconds>(turn).count()));
    }
    wait = std::max(wait, turn);
  }
  if (wait.count() > 0) {
    timer_.expires_after(wait);
    co_await timer_.async_wait(kWait);
    came_ = 0;
  }
  co_return client_.is_open();
}

Task<bool> Session::exchange() {
  idle_ = from_client_.view().empty();
  from_client_.shrink();
  from_upstream_.shrink();
  came_ = idle_ ? 0 : worker_.shared().ticks();
  waiting_ = answered_ = client_failed_ = false;
  expect_within(worker_.shared().settings.idle);
  if (!co_await read_head()) co_return false;
  Shared& shared = worker_.shared();
  idle_ = false;
  if (auto ok = wire::parse_request(request_head_text_, request_); !ok) {
    ++shared.counts.refused;
    co_return co_await refuse(ok.error().status, ok.error().reason);
  }
  begin_observation();
  request_body_ = wire::BodyReader(request_);
  // What has arrived by now goes on with the head.
  if (request_body_.left() > from_client_.view().size())
    from_client_.fill(client_.read_now(room_for(request_body_, from_client_)));
  size_t consumed = 0;
  if (!take_request_body(from_client_.view(), consumed)) {
    ++shared.counts.refused;
    co_return co_await refuse(400, "the framing of the body is broken");
  }
  waiting_ = true;
  expect_within(shared.settings.progress);
  if (!co_await hold_back()) co_return false;
  if (drafts_ > 0) {
    if (!request_.expects_continue && !co_await read_whole(consumed)) co_return false;
    bool stays = false;
    if (co_await give_draft(consumed, stays)) co_return stays;
    if (!client_.is_open()) co_return false;
  }
  expect_within(shared.settings.connect);
  from_upstream_.clear();
  if (!worker_.take_upstream(upstream_) && co_await worker_.connect_upstream(upstream_))
    co_return co_await upstream_failed("the upstream cannot be reached");
  expect_within(shared.settings.progress);
  const bool sent = co_await forward(from_client_.view().substr(0, consumed));
  from_client_.consume(consumed);
  if (!sent) co_return co_await upstream_failed("the upstream closed its connection");
  upload_ = request_body_.done() ? Upload::kNone : Upload::kRunning;
  if (upload_ == Upload::kRunning) asio::co_spawn(worker_.io(), upload(), asio::detached);
  bool stays = co_await answer();
  waiting_ = false;
  if (upload_ == Upload::kRunning) {  // answered before the body was through: neither connection can be used again
    stays = false;
    upstream_.close();
    co_await client_.end();
    expect_within(shared.settings.linger);
    while (upload_ == Upload::kRunning) {
      timer_.expires_at(Timer::time_point::max());
      co_await timer_.async_wait(kWait);
    }
  }
  co_return stays&& upload_ != Upload::kFailed && !worker_.stopping();
}

// The head and what has come of the body.
Task<bool> Session::forward(std::string_view body) {
  ++worker_.shared().counts.requests;
  out_.clear();
  out_.append(request_.method).append(" ").append(request_.target);
  out_.append(request_.minor_version == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
  if (edits_ == 0) {
    wire::append_end_to_end(request_, out_);
  } else {  // what is changed must be readable, and whole
    wire::append_end_to_end(request_, out_, {"accept-encoding", "range"});
    out_ += "Accept-Encoding: identity\r\n";
  }
  if (request_.framing == wire::Framing::kChunked) out_ += "Transfer-Encoding: chunked\r\n";
  out_.append("\r\n");
  std::string_view head = out_;
  error_code error = upstream_.write_now(head, body);
  note_latency(worker_.shared().request_latency);
  if (!error && !head.empty()) std::tie(error, std::ignore) = co_await upstream_.write(head);
  if (!error && !body.empty()) std::tie(error, std::ignore) = co_await upstream_.write(body);
  co_return !error;
}

}  // namespace stillwatch::gateway
