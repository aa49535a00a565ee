#include <fmt/format.h>

#include "net/http_reply_state.h"

namespace stillwatch::net {

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    default:
      return status >= 500 ? "Internal Server Error" : "Error";
  }
}

HttpReply::HttpReply(std::shared_ptr<State> state) : state_(std::move(state)) {}
HttpReply::HttpReply(HttpReply&&) noexcept = default;
HttpReply& HttpReply::operator=(HttpReply&&) noexcept = default;
HttpReply::~HttpReply() {
  if (!state_) return;
  bool begun = false;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->ended) return;
    begun = state_->begun;
    if (begun) {
      state_->ended = state_->broken = true;
      boost::asio::post(state_->io, [self = state_] { self->wake.cancel(); });
    }
  }
  if (!begun) send(500, "text/plain", "the server gave this request up\n");
}

void HttpReply::send(int status, std::string_view type, std::string_view body) {
  const std::lock_guard lock(state_->mutex);
  state_->begun = state_->ended = true;
  state_->push(
      fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\n\r\n{}", status,
                  reason_of(status), type, body.size(), state_->keep_alive ? "keep-alive" : "close", body),
      state_);
}

void HttpReply::begin(int status, std::string_view type) {
  const std::lock_guard lock(state_->mutex);
  state_->begun = state_->begun_stream = true;
  state_->push(
      fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n"
                  "Connection: {}\r\n\r\n",
                  status, reason_of(status), type, state_->keep_alive ? "keep-alive" : "close"),
      state_);
}

void HttpReply::write(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::lock_guard lock(state_->mutex);
  state_->push(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes), state_);
}

void HttpReply::end() {
  const std::lock_guard lock(state_->mutex);
  state_->ended = true;
  state_->push("0\r\n\r\n", state_);
}

bool HttpReply::gone() const {
  const std::lock_guard lock(state_->mutex);
  return state_->gone;
}

void HttpReply::on_gone(std::function<void()> call) {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->gone) {
      state_->on_gone = std::move(call);
      return;
    }
  }
  call();
}

}  // namespace stillwatch::net
