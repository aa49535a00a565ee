// Answers of accounts that are marked: the upstream makes several drafts, and the client gets the one that carries
// most.
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <deque>

#include "countermeasure/to_stream.h"
#include "gateway/session.h"

namespace stillwatch::gateway {
namespace {

constexpr size_t kDraftBytesMax = 4u << 20;  // all drafts of an answer
constexpr uint64_t kDraftingMax = 64;        // answers at once

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

// Leaves fields out by name.
void without(wire::Head& head, std::initializer_list<std::string_view> names) {
  std::erase_if(head.fields, [&](const wire::Field& f) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view n) { return wire::equal_names(f.name, n); });
  });
}

}  // namespace

struct Session::Draft {
  explicit Draft(asio::io_context& io) : upstream(io) {}
  Stream upstream;
  std::string head_text;  // head points into it
  wire::ResponseHead head;
  std::string body;
  bool good = false;  // a 200, whole and in the clear
};

struct Session::Drafting {
  std::deque<Draft> drafts;
  size_t left = 0;   // that are being made
  size_t bytes = 0;  // of bodies
  bool closed = false;
};

void Session::close(Drafting& drafting) {
  drafting.closed = true;
  for (Draft& d : drafting.drafts) d.upstream.close();
}

std::string_view Session::why_no_drafts() const {
  const std::string_view path = path_of(request_.target);
  if (request_.method != "POST" || !(path.ends_with("/chat/completions") || path.ends_with("/messages")))
    return "neither chat completions nor messages";
  if (!request_body_.done()) return request_.expects_continue ? "waits for 100 Continue" : "a long request";
  return observable_ ? "" : "too much under way";
}

Task<bool> Session::give_draft(size_t consumed, bool& stays) {
  Shared& shared = worker_.shared();
  Marker& marker = *shared.marker;
  std::string_view why = why_no_drafts();
  countermeasure::DraftPlan plan;
  if (why.empty()) {
    const bool takes_n = marker.upstream_n() && path_of(request_.target).ends_with("/chat/completions");
    plan = countermeasure::plan_drafts(observation_.request, drafts_, takes_n);
    why = plan.why_not;
  }
  if (why.empty() && marker.counts().under_way.fetch_add(1) >= kDraftingMax) {
    --marker.counts().under_way;
    why = "too much under way";
  }
  if (!why.empty()) {
    marker.count_unmarked(why);
    co_return false;
  }
  const int64_t begun = shared.ticks();
  const auto drafting = drafting_ = std::make_shared<Drafting>();
  drafting->left = plan.requests.size();
  for (std::string& body : plan.requests) {
    Draft& draft = drafting->drafts.emplace_back(worker_.io());
    asio::co_spawn(worker_.io(), fetch_draft(drafting, draft, std::move(body)), asio::detached);
  }
  while (drafting->left > 0) {
    timer_.expires_at(Timer::time_point::max());
    co_await timer_.async_wait(kWait);
  }
  drafting_.reset();
  --marker.counts().under_way;
  marker.counts().drafting_ms += static_cast<uint64_t>((shared.ticks() - begun) / 1'000'000);
  if (!client_.is_open()) co_return false;
  std::vector<std::string> bodies;
  const Draft* shape = nullptr;
  for (Draft& d : drafting->drafts) {
    if (!d.good) continue;
    if (shape == nullptr) shape = &d;
    bodies.push_back(std::move(d.body));
  }
  const auto given = marker.choose(observation_.account, bodies);
  if (!given) {
    marker.count_unmarked("no drafts from the upstream");
    co_return false;
  }
  from_client_.consume(consumed);
  came_ = 0;
  ++shared.counts.requests;
  observe(observation_.response, given->body, 0);
  const std::string body = plan.streamed ? countermeasure::to_stream(given->body, plan.stream_usage) : given->body;
  stays = co_await draft_answer(body, plan.streamed, *shape);
  co_return true;
}

// True if the client's connection may be used again.
Task<bool> Session::draft_answer(std::string_view body, bool streamed, const Draft& shape) {
  wire::ResponseHead head = shape.head;
  const std::string_view type = streamed ? "text/event-stream" : head.find("content-type");
  std::string edited;
  if (const auto edit = edit_of(head, type)) {
    edit->pass(body, edited);
    edit->finish(edited);
    note_canary(*edit);
    body = edited;
  }
  const bool stays = request_.keep_alive && !worker_.stopping();
  out_.assign("HTTP/1.1").append(head.status_line.substr(8)).append("\r\n");
  without(head, {"content-length", streamed ? "content-type" : ""});
  wire::append_end_to_end(head, out_);
  if (streamed) out_ += "Content-Type: text/event-stream\r\n";
  out_ += fmt::format("Content-Length: {}\r\n", body.size());
  if (!stays) out_ += "Connection: close\r\n";
  if (stays && request_.minor_version == 0) out_ += "Connection: keep-alive\r\n";
  out_ += "\r\n";
  out_ += body;
  observation_.status = head.status;
  observation_.streamed = false;  // what is observed is the draft
  observation_.encoding.clear();
  answered_ = true;
  submit_observation();
  const auto [error, n] = co_await client_.write(out_);
  std::string().swap(out_);
  waiting_ = false;
  co_return !error && stays;
}

Task<void> Session::fetch_draft(std::shared_ptr<Drafting> drafting, Draft& draft, std::string body) {
  draft.good = co_await make_draft(*drafting, draft, body);
  draft.upstream.close();
  --drafting->left;
  timer_.cancel();
}

Task<bool> Session::make_draft(Drafting& drafting, Draft& draft, std::string_view body) {
  Stream& upstream = draft.upstream;
  if (!worker_.take_upstream(upstream) && co_await worker_.connect_upstream(upstream)) co_return false;
  if (drafting.closed) co_return false;
  wire::RequestHead asked = request_;
  without(asked, {"content-length", "accept-encoding", "expect"});
  std::string out = fmt::format("POST {} HTTP/1.1\r\n", request_.target);
  wire::append_end_to_end(asked, out);
  out += fmt::format("Accept-Encoding: identity\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
  if (std::get<0>(co_await upstream.write(out))) co_return false;

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
    draft.head_text.assign(in.view().substr(0, end));
    in.consume(end);
    if (!wire::parse_response(draft.head_text, "POST", draft.head) || draft.head.status == 101) co_return false;
  } while (draft.head.status < 200);
  if (draft.head.status != 200 || !draft.head.find("content-encoding").empty()) co_return false;

  wire::BodyReader reader(draft.head);
  while (!reader.done()) {
    if (in.view().empty()) {
      const error_code error = co_await read_more(kBufferBytes);
      if (error == asio::error::eof && reader.until_close()) co_return true;
      if (error) co_return false;
    }
    const auto step = reader.next(in.view());
    if (!step) co_return false;
    draft.body += step->payload;
    drafting.bytes += step->payload.size();
    in.consume(step->consumed);
    if (drafting.bytes > kDraftBytesMax) co_return false;
  }
  if (draft.head.keep_alive && in.view().empty()) worker_.keep_upstream(std::move(upstream));
  co_return true;
}

}  // namespace stillwatch::gateway
