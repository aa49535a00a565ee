// The way back: the upstream's answer to the client.
#include <fmt/format.h>

#include "gateway/session.h"

namespace stillwatch::gateway {
namespace {

// For the inside of a JSON string.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.append("\\").push_back(c);
    } else if (wire::is_control(c) || c == '\t') {
      out.push_back(' ');
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string_view phrase_of(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

}  // namespace

// A whole answer of our own, and the end of the connection.
Task<bool> Session::refuse(int status, std::string_view reason, std::string_view type, uint32_t retry_after_s) {
  co_return co_await refuse_with(status,
                                 fmt::format(R"({{"error":{{"message":"{}{}","type":"{}","code":{}}}}})",
                                             type == "policy" ? "" : "stillwatch: ", escaped(reason), type, status),
                                 retry_after_s);
}

Task<bool> Session::refuse_with(int status, std::string_view body, uint32_t retry_after_s) {
  std::string text = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", status,
                                 phrase_of(status), body.size());
  if (retry_after_s > 0) text += fmt::format("Retry-After: {}\r\n", retry_after_s);
  text += "Connection: close\r\n\r\n";
  if (request_.method != "HEAD") text += body;
  stop_observing();
  (void)co_await client_.write(text);
  co_return false;
}

// What the upstream did wrong: 502 while that can still be said, else the end.
Task<bool> Session::upstream_failed(std::string_view reason) {
  if (client_failed_ || !client_.is_open()) co_return false;
  ++worker_.shared().counts.upstream_failures;
  if (!answered_) co_return co_await refuse(502, reason);
  cut_answer(response_body_.until_close());
  co_return false;
}

// In the middle. `until_close`: its end is that of the connection.
void Session::cut_answer(bool until_close) {
  if (until_close) {
    client_.reset();  // a plain end would say that this was all
  } else {
    close();
  }
}

// Until from_upstream_ begins with what is behind the head of the final answer; false if there is none.
Task<bool> Session::read_answer_head() {
  size_t seen = 0;
  while (true) {
    const size_t end = wire::find_head_end(from_upstream_.view(), seen);
    if (end == std::string_view::npos) {
      seen = from_upstream_.view().size();
      const asio::mutable_buffer room = from_upstream_.room(seen < kBufferBytes ? kBufferBytes : wire::kHeadBytesMax);
      error_code error;
      size_t n = 0;
      if (room.size() > 0) std::tie(error, n) = co_await upstream_.read_some(room);
      if (error || n == 0) co_return co_await upstream_failed("the upstream ended without an answer");
      from_upstream_.fill(n);
      came_ = worker_.shared().ticks();
      expect_within(worker_.shared().settings.progress);
      continue;
    }
    response_head_text_.assign(from_upstream_.view().substr(0, end));
    from_upstream_.consume(end);
    seen = 0;
    const auto ok = wire::parse_response(response_head_text_, request_.method, response_);
    if (!ok) co_return co_await upstream_failed(ok.error().reason);
    if (response_.status == 101 || (response_.framing == wire::Framing::kChunked && request_.minor_version == 0))
      co_return co_await upstream_failed("the upstream's answer does not fit the request");
    if (response_.status >= 200) co_return true;
    if (request_.minor_version == 0) continue;  // HTTP/1.0 knows no interim answers
    out_.assign("HTTP/1.1").append(response_.status_line.substr(8)).append("\r\n");
    wire::append_end_to_end(response_, out_);
    out_ += "\r\n";
    const auto [error, n] = co_await client_.write(out_);
    if (error) co_return false;
  }
}

// What changes a 200; null if nothing does.
std::unique_ptr<AnswerEdit> Session::edit_of(const wire::ResponseHead& head, std::string_view content_type) {
  Marker::GivenCanary canary;
  if ((edits_ & verdict::kCanary) != 0 && observable_ && head.find("content-encoding").empty())
    canary = worker_.shared().marker->canary_for(observation_.account, observation_.request);
  canary_ = canary.index;
  const bool summarise = !worker_.shared().settings.summaries.model.empty();
  auto edit =
      std::make_unique<AnswerEdit>(edits_, summarise, std::move(canary.sentence), content_type, request_.target);
  return edit->nothing() ? nullptr : std::move(edit);
}

void Session::note_canary(const AnswerEdit& edit) {
  if (edit.put_canary_in()) worker_.shared().marker->canary_was_given(observation_.account, canary_);
}

// Also of an answer that was cut: who hangs up before its end has read what came before.
void Session::submit_observation() {
  if (!observable_ || !answered_) return;
  release_charge();
  worker_.shared().observer.submit(observation_);
  observable_ = false;
}

// Makes out_ the head for the client; true if its connection may be used again.
bool Session::begin_answer() {
  response_body_ = wire::BodyReader(response_);
  if (edits_ != 0 && !response_body_.done() && response_.status == 200) {
    edit_ = edit_of(response_, response_.find("content-type"));
  }
  bool stays = request_.keep_alive && !response_body_.until_close() && !worker_.stopping() &&
               upload_ != Upload::kRunning && upload_ != Upload::kFailed;
  bool chunked = response_.framing == wire::Framing::kChunked;
  if (edit_) {  // of another length than the upstream said
    chunked = request_.minor_version == 1;
    stays = stays && chunked;
  }
  out_.assign("HTTP/1.1").append(response_.status_line.substr(8)).append("\r\n");
  if (edit_) {
    wire::append_end_to_end(response_, out_, {"content-length"});
  } else {
    wire::append_end_to_end(response_, out_);
  }
  if (chunked) out_ += "Transfer-Encoding: chunked\r\n";
  if (!stays) out_ += "Connection: close\r\n";
  if (stays && request_.minor_version == 0) out_ += "Connection: keep-alive\r\n";
  out_ += "\r\n";
  observation_.status = response_.status;
  observation_.streamed = response_.find("content-type").starts_with("text/event-stream");
  observation_.encoding = response_.find("content-encoding");
  return stays;
}

// True if both connections may be used again.
Task<bool> Session::answer() {
  if (!co_await read_answer_head()) co_return false;
  constexpr uint8_t kStripped = verdict::kLogprobs | verdict::kReasoning;
  if ((edits_ & kStripped) != 0 && !response_.find("content-encoding").empty() && response_.status == 200)
    co_return co_await upstream_failed("the upstream's answer is encoded, though that was not accepted");
  const bool stays = begin_answer();
  const bool whole = co_await relay_answer_body();
  if (edit_) note_canary(*edit_);
  submit_observation();
  if (!whole) co_return false;
  if (response_.keep_alive && from_upstream_.view().empty() && request_.minor_version == 1 &&
      upload_ != Upload::kRunning && upload_ != Upload::kFailed) {
    worker_.keep_upstream(std::move(upstream_));
  } else {
    upstream_.close();
  }
  co_return stays;
}

// At the end of an answer.
Task<void> Session::finish_edit(AnswerEdit& edit, std::string& out) {
  edit.finish(out);
  if (edit.awaited() != nullptr) co_await summarise(edit, out);
}

// To out_, framed anew: it is of another length than the upstream said.
void Session::append_edited(bool last) {
  const bool chunked = request_.minor_version == 1;
  if (chunked && !edited_.empty()) {
    out_.append(fmt::format("{:x}\r\n", edited_.size())).append(edited_).append("\r\n");
  } else {
    out_ += edited_;
  }
  if (chunked && last) out_ += "0\r\n\r\n";
  edited_.clear();
}

// out_ holds the head: it goes out with the first bytes of the body.
Task<bool> Session::relay_answer_body() {
  edited_.clear();
  while (true) {
    const std::string_view bytes = from_upstream_.view();
    size_t consumed = 0;
    bool broken = false;
    while (!response_body_.done() && consumed < bytes.size()) {
      const auto step = response_body_.next(bytes.substr(consumed));
      broken = !step;
      if (broken) break;
      observe(observation_.response, step->payload, response_body_.left());
      consumed += step->consumed;
      if (!edit_) continue;
      edit_->pass(step->payload, edited_);
      broken = edit_->broken();
      if (broken) break;
    }
    if (broken && !answered_) co_return co_await upstream_failed("the upstream's answer is broken");
    std::string_view left = edit_ ? std::string_view() : bytes.substr(0, consumed);
    if (edit_) {
      const bool last = response_body_.done() && !broken;
      if (last) {
        co_await finish_edit(*edit_, edited_);
      } else if (edit_->awaited() != nullptr && !broken) {
        co_await summarise(*edit_, edited_);
      }
      append_edited(last);
    }
    std::string_view first = out_;
    if (!first.empty() || !left.empty()) {
      error_code error = client_.write_now(first, left);
      if (!answered_) note_latency(worker_.shared().answer_latency);
      if (!error && !first.empty()) std::tie(error, std::ignore) = co_await client_.write(first);
      if (!error && !left.empty()) std::tie(error, std::ignore) = co_await client_.write(left);
      if (error) {
        client_failed_ = true;
        co_return false;
      }
      answered_ = true;
      out_.clear();
      expect_within(worker_.shared().settings.progress);
    }
    from_upstream_.consume(consumed);
    if (broken) co_return co_await upstream_failed("");
    if (response_body_.done()) co_return true;
    const auto [error, n] = co_await upstream_.read_some(room_for(response_body_, from_upstream_));
    if (error == asio::error::eof && response_body_.until_close()) {
      if (edit_) {
        co_await finish_edit(*edit_, edited_);
        append_edited(true);
      }
      if (!out_.empty()) (void)co_await client_.write(out_);
      co_return true;
    }
    if (error) co_return co_await upstream_failed("");
    from_upstream_.fill(n);
  }
}

}  // namespace stillwatch::gateway
