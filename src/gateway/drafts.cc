// Answers of accounts that are marked: the upstream makes several drafts, and the client gets the one that carries
// most.
#include <fmt/format.h>

#include "countermeasure/to_stream.h"
#include "gateway/calls.h"

namespace stillwatch::gateway {
namespace {

constexpr uint64_t kDraftingMax = 64;  // answers at once

std::string call_text(const wire::RequestHead& head, std::string_view body) {
  std::string out = fmt::format("POST {} HTTP/1.1\r\n", head.target);
  wire::append_end_to_end(head, out);
  out += fmt::format("Accept-Encoding: identity\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
  return out;
}

}  // namespace

std::string_view Session::why_no_drafts() const {
  const std::string_view path = wire::path_of(request_.target);
  if (request_.method != "POST" || !(path.ends_with("/chat/completions") || path.ends_with("/messages")))
    return "neither chat completions nor messages";
  if (!request_body_.done()) return request_.expects_continue ? "waits for 100 Continue" : "a long request";
  return observable_ ? "" : "too much under way";
}

// What the upstream makes of all of them at once, in the place of the client's request.
Task<Session::Drafts> Session::drafts_of(std::span<const std::string> requests) {
  Drafts drafts;
  drafts.calls = std::make_shared<Calls>();
  wire::RequestHead head = request_;
  without(head, {"content-length", "accept-encoding", "expect"});
  for (const std::string& body : requests) start_call(drafts.calls, call_text(head, body));
  co_await wait_for(drafts.calls, Clock::time_point::max());
  for (Call& draft : drafts.calls->all) {
    if (!draft.good) continue;
    if (drafts.shape == nullptr) drafts.shape = &draft;
    drafts.bodies.push_back(std::move(draft.body));
  }
  co_return drafts;
}

struct Session::SentenceStream {
  bool usage = false;  // the client wants it at the end
  std::optional<countermeasure::AnswerEvents> events{};
  size_t sent = 0;  // of the text
  bool stays = false;
};

// Leaves `sentences` unfinished if a sentence came to nothing or the client left; gives the drafts of the last.
Task<Session::Drafts> Session::draft_sentences(countermeasure::Sentences& sentences, Marker::Subject& subject,
                                               SentenceStream* stream) {
  watermark::SentenceSelector selector(subject.selector, subject.given);
  while (true) {
    const std::vector<std::string> requests = sentences.requests();
    Drafts drafts = co_await drafts_of(requests);
    if (!client_.is_open()) co_return drafts;
    {
      const std::lock_guard lock(subject.mutex);
      if (!sentences.add(drafts.bodies, selector)) co_return drafts;
    }
    if (stream != nullptr) {
      worker_.shared().marker->note_mark(subject);
      if (!co_await send_sentence(sentences, *drafts.shape, *stream)) co_return drafts;
    }
    if (sentences.finished()) co_return drafts;
  }
}

// What the answer has more than was sent, and its end if that has come; false if the client does not take it.
Task<bool> Session::send_sentence(const countermeasure::Sentences& sentences, const Call& shape,
                                  SentenceStream& stream) {
  constexpr std::string_view kEvents = "text/event-stream";
  std::string events;
  if (!stream.events) {
    stream.stays = begin_draft(shape.head, true, std::nullopt);
    stream.events.emplace(sentences.given().body);
    edit_ = edit_of(shape.head, kEvents);
    events = stream.events->opening();
  }
  events += stream.events->piece(std::string_view(sentences.text()).substr(stream.sent));
  stream.sent = sentences.text().size();
  if (sentences.finished()) events += stream.events->ending(sentences.given().body, stream.usage);
  edited_.clear();
  if (edit_) {
    edit_->pass(events, edited_);
    if (sentences.finished()) co_await finish_edit(*edit_, edited_);
  } else {
    edited_ = std::move(events);
  }
  append_edited(sentences.finished());
  const auto [error, n] = co_await client_.write(out_);
  out_.clear();
  answered_ = true;
  client_failed_ = static_cast<bool>(error);
  expect_within(worker_.shared().settings.progress);
  co_return !client_failed_;
}

// What is asked of the upstream for an answer that is to be marked; `why_not` if none can be.
struct Session::DraftOrder {
  std::optional<countermeasure::Sentences> sentences{};  // one after the other, if they can be continued
  countermeasure::DraftPlan plan{};
  std::string_view why_not{};
};

Session::DraftOrder Session::draft_order() const {
  DraftOrder order{.why_not = why_no_drafts()};
  if (!order.why_not.empty()) return order;
  const Marker& marker = *worker_.shared().marker;
  const bool chat = wire::path_of(request_.target).ends_with("/chat/completions");
  if (marker.upstream_continues()) {
    using enum countermeasure::AnswerKind;
    order.sentences.emplace(observation_.request, drafts_, chat ? kChatCompletions : kMessages);
    if (!order.sentences->possible()) order.sentences.reset();
  }
  order.plan = order.sentences
                   ? order.sentences->plan()
                   : countermeasure::plan_drafts(observation_.request, drafts_, chat && marker.upstream_n());
  order.why_not = order.plan.why_not;
  return order;
}

// Asks for drafts and chooses; nothing if none is good. Sentences of a stream are sent as they are chosen.
Task<std::optional<countermeasure::GivenDraft>> Session::chosen_draft(DraftOrder& order, SentenceStream& stream,
                                                                      Drafts& drafts) {
  Marker& marker = *worker_.shared().marker;
  const int64_t begun = worker_.shared().ticks();
  const std::shared_ptr<Marker::Subject> subject = marker.subject_of(observation_.account, marked_campaign_);
  std::optional<countermeasure::GivenDraft> given;
  if (order.sentences) {
    drafts = co_await draft_sentences(*order.sentences, *subject, order.plan.streamed ? &stream : nullptr);
    // Of an answer that was broken off the client has what was sent.
    if (order.sentences->finished() || stream.events) {
      given = order.sentences->given();
      marker.note(observation_.account, *subject, *given);
    }
  } else {
    drafts = co_await drafts_of(order.plan.requests);
    if (client_.is_open()) {
      if (auto chosen = marker.choose(observation_.account, *subject, drafts.bodies)) given = std::move(*chosen);
    }
  }
  marker.counts().drafting_ms += static_cast<uint64_t>((worker_.shared().ticks() - begun) / 1'000'000);
  co_return given;
}

// Behind the last sentence that was sent; true if the client's connection may be used again.
bool Session::end_sentences(bool finished, const SentenceStream& stream, std::string_view body) {
  if (edit_) note_canary(*edit_);
  submit_draft(body);
  waiting_ = false;
  if (!finished && !client_failed_ && client_.is_open()) {
    ++worker_.shared().counts.upstream_failures;
    cut_answer(request_.minor_version == 0);
  }
  return finished && !client_failed_ && stream.stays;
}

Task<bool> Session::give_draft(size_t consumed, bool& stays) {
  Shared& shared = worker_.shared();
  Marker& marker = *shared.marker;
  DraftOrder order = draft_order();
  if (order.why_not.empty() && marker.counts().under_way.fetch_add(1) >= kDraftingMax) {
    --marker.counts().under_way;
    order.why_not = "too much under way";
  }
  if (!order.why_not.empty()) {
    marker.count_unmarked(order.why_not);
    co_return false;
  }
  Drafts drafts;
  SentenceStream stream{.usage = order.plan.stream_usage};
  const std::optional<countermeasure::GivenDraft> given = co_await chosen_draft(order, stream, drafts);
  --marker.counts().under_way;
  if (!stream.events && !client_.is_open()) co_return false;
  if (!given) {
    marker.count_unmarked("no drafts from the upstream");
    co_return false;
  }
  from_client_.consume(consumed);
  came_ = 0;
  ++shared.counts.requests;
  if (stream.events) {
    stays = end_sentences(order.sentences->finished(), stream, given->body);
    co_return true;
  }
  const bool streamed = order.plan.streamed;
  const std::string body = streamed ? countermeasure::to_stream(given->body, stream.usage) : given->body;
  stays = co_await draft_answer(given->body, body, streamed, drafts.shape->head);
  co_return true;
}

// What is observed is the draft, however it is sent.
void Session::submit_draft(std::string_view body) {
  observe(observation_.response, body, 0);
  observation_.streamed = false;
  observation_.encoding.clear();
  submit_observation();
}

// Makes out_ the head of an answer of so many bytes, or of as many as come; true if the client's connection may be used
// again.
bool Session::begin_draft(wire::ResponseHead head, bool streamed, std::optional<size_t> bytes) {
  const bool chunked = !bytes && request_.minor_version == 1;
  const bool stays = request_.keep_alive && !worker_.stopping() && (bytes || chunked);
  out_.assign("HTTP/1.1").append(head.status_line.substr(8)).append("\r\n");
  without(head, {"content-length", streamed ? "content-type" : ""});
  wire::append_end_to_end(head, out_);
  if (streamed) out_ += "Content-Type: text/event-stream\r\n";
  if (bytes) out_ += fmt::format("Content-Length: {}\r\n", *bytes);
  if (chunked) out_ += "Transfer-Encoding: chunked\r\n";
  if (!stays) out_ += "Connection: close\r\n";
  if (stays && request_.minor_version == 0) out_ += "Connection: keep-alive\r\n";
  out_ += "\r\n";
  observation_.status = head.status;
  return stays;
}

// Sends the draft as `body` tells it. True if the client's connection may be used again.
Task<bool> Session::draft_answer(std::string_view draft, std::string_view body, bool streamed,
                                 const wire::ResponseHead& head) {
  const std::string_view type = streamed ? "text/event-stream" : head.find("content-type");
  std::string edited;
  if (const auto edit = edit_of(head, type)) {
    edit->pass(body, edited);
    co_await finish_edit(*edit, edited);
    note_canary(*edit);
    body = edited;
  }
  const bool stays = begin_draft(head, streamed, body.size());
  out_ += body;
  answered_ = true;
  submit_draft(draft);
  const auto [error, n] = co_await client_.write(out_);
  std::string().swap(out_);
  waiting_ = false;
  co_return !error && stays;
}

}  // namespace stillwatch::gateway
