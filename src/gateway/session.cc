#include "gateway/session.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace stillwatch::gateway {

asio::mutable_buffer Buffer::room() {
  constexpr size_t kFirstBytes = 16u << 10;
  if (begin_ > 0 && end_ == data_.size()) {
    std::copy(data_.begin() + static_cast<std::ptrdiff_t>(begin_), data_.begin() + static_cast<std::ptrdiff_t>(end_),
              data_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == data_.size() && data_.size() < kBufferBytes) data_.resize(data_.empty() ? kFirstBytes : kBufferBytes);
  return asio::buffer(data_.data() + end_, data_.size() - end_);
}

Session::Session(Worker& worker, Stream client, std::string peer)
    : worker_(worker),
      place_(worker.sessions_.insert(worker.sessions_.end(), this)),
      client_(std::move(client)),
      upstream_(worker.io()),
      peer_(std::move(peer)),
      uploaded_(worker.io()) {
  expect_within(worker.shared().settings.idle);
  ++worker.shared().counts.connections;
}

Session::~Session() {
  worker_.sessions_.erase(place_);
  --worker_.shared().counts.connections;
}

void Session::close() {
  client_.close();
  upstream_.close();
}

void Session::check() {
  if (worker_.seconds() > deadline_ || (worker_.stopping() && idle_) || client_left()) close();
}

bool Session::client_left() {
  if (!answering_ || upload_ == Upload::kRunning || !client_.is_open()) return false;
  char byte = 0;
  return ::recv(client_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

Task<void> Session::run() {
  bool more = true;
  while (more) more = co_await exchange();
  client_.shutdown(Socket::shutdown_both);
  close();
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
    const asio::mutable_buffer room = from_client_.room();
    if (room.size() == 0) {
      co_await answer_ourselves(431, "the head is too long");
      co_return false;
    }
    const auto [error, n] = co_await client_.read_some(room);
    if (error) co_return false;
    if (idle_) {
      idle_ = false;
      expect_within(worker_.shared().settings.head);
    }
    from_client_.fill(n);
  }
}

Task<bool> Session::connect() {
  from_upstream_.clear();
  upstream_ = worker_.take_upstream();
  if (upstream_.is_open()) co_return true;
  co_return !co_await upstream_.connect(worker_.shared().upstream);
}

void Session::observe(std::string& into, std::string_view payload) {
  if (!observable_) return;
  if (into.size() + payload.size() > kObservedBodyBytesMax) {
    observable_ = false;
    worker_.shared().observer.shed();
    return;
  }
  into.append(payload);
}

// How much of `bytes` belongs to the request's body; false if its framing is broken.
bool Session::take_request_body(std::string_view bytes, size_t& consumed) {
  consumed = 0;
  while (!request_body_.done() && consumed < bytes.size()) {
    const auto step = request_body_.next(bytes.substr(consumed));
    if (!step) return false;
    observe(observation_.request, step->payload);
    consumed += step->consumed;
  }
  return true;
}

// What the client still sends of its body, while the answer may already come back.
Task<void> Session::upload() {
  bool good = true;
  while (good && !request_body_.done()) {
    if (from_client_.view().empty()) {
      const auto [error, n] = co_await client_.read_some(from_client_.room());
      if (error) break;
      from_client_.fill(n);
    }
    size_t consumed = 0;
    good = take_request_body(from_client_.view(), consumed);
    if (!good) break;
    const auto [error, n] = co_await upstream_.write(from_client_.view().substr(0, consumed));
    good = !error;
    from_client_.consume(consumed);
    expect_within(worker_.shared().settings.progress);
  }
  upload_ = request_body_.done() && good ? Upload::kDone : Upload::kFailed;
  if (upload_ == Upload::kFailed) {
    upstream_.shutdown(Socket::shutdown_send);
    if (!good) upstream_.close();
  }
  uploaded_.cancel();
}

Task<bool> Session::exchange() {
  idle_ = from_client_.view().empty();
  expect_within(worker_.shared().settings.idle);
  if (!co_await read_head()) co_return false;
  Shared& shared = worker_.shared();
  if (auto ok = wire::parse_request(request_head_text_, request_); !ok) {
    ++shared.counts.refused;
    co_await answer_ourselves(ok.error().status, ok.error().reason);
    co_return false;
  }
  ++shared.counts.requests;
  expect_within(shared.settings.progress);
  observation_.time = shared.settings.now();
  observation_.account = shared.identity.account_of(request_, peer_);
  observation_.network = peer_;
  observation_.client = request_.find("user-agent");
  observation_.request.clear();
  observation_.response.clear();
  observable_ = true;
  constexpr uint64_t kReservedMax = 1u << 20;  // no more than this on the word of a client
  if (request_.framing == wire::Framing::kLength)
    observation_.request.reserve(static_cast<size_t>(std::min(request_.length, kReservedMax)));

  request_body_ = wire::BodyReader(request_);
  size_t consumed = 0;
  const std::string_view first = from_client_.view();
  if (!take_request_body(first, consumed)) {
    ++shared.counts.refused;
    co_await answer_ourselves(400, "the framing of the body is broken");
    co_return false;
  }
  if (!co_await connect()) {
    ++shared.counts.upstream_failures;
    co_await answer_ourselves(502, "the upstream cannot be reached");
    co_return false;
  }
  out_.clear();
  out_.append(request_.method).append(" ").append(request_.target);
  out_.append(request_.minor_version == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
  wire::append_end_to_end(request_, out_);
  if (request_.framing == wire::Framing::kChunked) out_ += "Transfer-Encoding: chunked\r\n";
  out_.append("\r\n").append(first.substr(0, consumed));
  from_client_.consume(consumed);
  std::string_view left = out_;
  error_code error = upstream_.write_now(left);
  if (!error && !left.empty()) std::tie(error, std::ignore) = co_await upstream_.write(left);
  if (error) {
    ++shared.counts.upstream_failures;
    co_await answer_ourselves(502, "the upstream closed its connection");
    co_return false;
  }
  upload_ = request_body_.done() ? Upload::kNone : Upload::kRunning;
  if (upload_ == Upload::kRunning) asio::co_spawn(worker_.io(), upload(), asio::detached);
  answering_ = true;
  bool stays = co_await answer();
  answering_ = false;
  if (upload_ == Upload::kRunning) {  // answered before the body was through: neither connection can be used again
    stays = false;
    close();
    while (upload_ == Upload::kRunning) {
      uploaded_.expires_at(Timer::time_point::max());
      co_await uploaded_.async_wait(kWait);
    }
  }
  co_return stays&& upload_ != Upload::kFailed && !worker_.stopping();
}

// The upstream's answer, interim ones first; true if both connections may be used again.
Task<bool> Session::answer() {
  Shared& shared = worker_.shared();
  size_t seen = 0;
  while (true) {
    const size_t end = wire::find_head_end(from_upstream_.view(), seen);
    if (end == std::string_view::npos) {
      seen = from_upstream_.view().size();
      const asio::mutable_buffer room = from_upstream_.room();
      error_code error;
      size_t n = 0;
      if (room.size() > 0) std::tie(error, n) = co_await upstream_.read_some(room);
      if (error || n == 0) {
        if (!client_.is_open()) co_return false;
        ++shared.counts.upstream_failures;
        co_await answer_ourselves(502, "the upstream ended without an answer");
        co_return false;
      }
      from_upstream_.fill(n);
      expect_within(shared.settings.progress);
      continue;
    }
    response_head_text_.assign(from_upstream_.view().substr(0, end));
    from_upstream_.consume(end);
    seen = 0;
    const auto ok = wire::parse_response(response_head_text_, request_.method, response_);
    if (!ok || response_.status == 101 ||
        (response_.framing == wire::Framing::kChunked && request_.minor_version == 0)) {
      ++shared.counts.upstream_failures;
      co_await answer_ourselves(502, ok ? "the upstream's answer does not fit the request" : ok.error().reason);
      co_return false;
    }
    if (response_.status >= 200) break;
    if (request_.minor_version == 0) continue;  // HTTP/1.0 knows no interim answers
    out_.assign("HTTP/1.1").append(response_.status_line.substr(8)).append("\r\n");
    wire::append_end_to_end(response_, out_);
    out_ += "\r\n";
    const auto [error, n] = co_await client_.write(out_);
    if (error) co_return false;
  }

  wire::BodyReader body(response_);
  const bool client_stays = request_.keep_alive && !body.until_close() && !worker_.stopping();
  out_.assign("HTTP/1.1").append(response_.status_line.substr(8)).append("\r\n");
  wire::append_end_to_end(response_, out_);
  if (response_.framing == wire::Framing::kChunked) out_ += "Transfer-Encoding: chunked\r\n";
  if (!client_stays) out_ += "Connection: close\r\n";
  if (client_stays && request_.minor_version == 0) out_ += "Connection: keep-alive\r\n";
  out_ += "\r\n";
  observation_.status = response_.status;
  observation_.streamed = response_.find("content-type").starts_with("text/event-stream");
  if (!response_.find("content-encoding").empty()) observation_.streamed = false;

  const bool whole = co_await relay_response_body(body);
  finish_observation();  // also of an answer that was cut: who hangs up before its end has read what came before
  if (!whole) co_return false;
  if (response_.keep_alive && from_upstream_.view().empty() && request_.minor_version == 1 &&
      upload_ != Upload::kRunning && upload_ != Upload::kFailed) {
    worker_.keep_upstream(std::move(upstream_));
  } else {
    upstream_.close();
  }
  co_return client_stays;
}

// out_ holds the head: it goes out with the first bytes of the body.
Task<bool> Session::relay_response_body(wire::BodyReader& body) {
  Shared& shared = worker_.shared();
  while (true) {
    const std::string_view bytes = from_upstream_.view();
    size_t consumed = 0;
    while (!body.done() && consumed < bytes.size()) {
      const auto step = body.next(bytes.substr(consumed));
      if (!step) {
        ++shared.counts.upstream_failures;
        co_return false;
      }
      observe(observation_.response, step->payload);
      consumed += step->consumed;
    }
    if (!out_.empty() || consumed > 0) {
      std::string_view left = bytes.substr(0, consumed);
      if (!out_.empty()) left = out_.append(left);
      error_code error = client_.write_now(left);
      if (!error && !left.empty()) std::tie(error, std::ignore) = co_await client_.write(left);
      if (error) co_return false;
      out_.clear();
      from_upstream_.consume(consumed);
      expect_within(shared.settings.progress);
    }
    if (body.done()) co_return true;
    const auto [error, n] = co_await upstream_.read_some(from_upstream_.room());
    if (error == asio::error::eof && body.until_close()) co_return true;
    if (error) {
      ++shared.counts.upstream_failures;
      co_return false;
    }
    from_upstream_.fill(n);
  }
}

void Session::finish_observation() {
  if (!observable_) return;
  worker_.shared().observer.submit(observation_);
}

Task<bool> Session::answer_ourselves(int status, std::string_view reason) {
  const std::string body =
      fmt::format(R"({{"error":{{"message":"stillwatch: {}","type":"gateway_error","code":{}}}}})", reason, status);
  const std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", status,
      status == 502 ? "Bad Gateway" : "Refused", body.size(), body);
  const auto [error, n] = co_await client_.write(text);
  co_return !error;
}

}  // namespace stillwatch::gateway
