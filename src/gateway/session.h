// One client connection: request after request to the upstream and back. Private to the module.
#pragma once

#include <list>
#include <optional>

#include "countermeasure/sentences.h"
#include "gateway/answer_edit.h"
#include "gateway/worker.h"
#include "wire/body.h"

namespace stillwatch::gateway {

constexpr size_t kBufferBytes = 16u << 10;       // that most heads and bodies fit into
constexpr size_t kBodyBufferBytes = 128u << 10;  // held of a body in either direction

// Bytes read and not yet consumed.
class Buffer {
 public:
  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  void consume(size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Room for more, so that `size` bytes are held; empty if they are.
  asio::mutable_buffer room(size_t size);
  void fill(size_t n) { end_ += n; }
  void clear() { begin_ = end_ = 0; }
  // An idle connection keeps what most heads and bodies fit into.
  void shrink();

 private:
  void move_to(size_t size);

  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

class Session {
 public:
  Session(Worker& worker, Stream client, std::string peer);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Task<void> run();
  // Called every second: closes what has waited too long, what idles while the gateway stops, and what nobody waits for
  // any more: a model should not go on talking to a client that left.
  void check();
  void close();

 private:
  enum class Upload { kNone, kRunning, kDone, kFailed };

  // session.cc: the request
  Task<bool> exchange();  // true: another may follow
  Task<bool> read_head();
  void begin_observation();
  Task<bool> hold_back();  // as the policy wants it; false if the request was refused
  Task<bool> forward(std::string_view body);
  Task<bool> read_whole(size_t& consumed);
  Task<void> upload();
  Task<void> linger();
  bool take_request_body(std::string_view bytes, size_t& consumed);
  bool client_left();
  void note_latency(Histogram& latency) {
    if (came_ != 0) latency.note(worker_.shared().ticks() - came_);
    came_ = 0;
  }
  void expect_within(std::chrono::seconds time) { deadline_ = worker_.seconds() + time.count(); }

  // answer.cc: the response
  Task<bool> answer();
  Task<bool> read_answer_head();
  bool begin_answer();
  Task<bool> relay_answer_body();
  Task<void> finish_edit(AnswerEdit& edit, std::string& out);
  void append_edited(bool last);
  std::unique_ptr<AnswerEdit> edit_of(const wire::ResponseHead& head, std::string_view content_type);
  void note_canary(const AnswerEdit& edit);
  void submit_observation();
  Task<bool> refuse(int status, std::string_view reason, std::string_view type = "gateway_error",
                    uint32_t retry_after_s = 0);
  Task<bool> refuse_with(int status, std::string_view body, uint32_t retry_after_s = 0);
  Task<bool> upstream_failed(std::string_view reason);
  void cut_answer(bool until_close);

  // calls.cc: requests of our own that the answer waits for
  struct Call;
  struct Calls;
  using Clock = Timer::clock_type;
  void start_call(const std::shared_ptr<Calls>& calls, std::string request);
  Task<void> wait_for(std::shared_ptr<Calls> calls, Clock::time_point until);
  Task<void> run_call(std::shared_ptr<Calls> calls, Call& call, std::string request);
  Task<bool> make_call(Calls& calls, Call& call, std::string_view request);
  static void close(Calls& calls);

  // drafts.cc: an answer chosen among several
  struct Drafts {
    std::shared_ptr<Calls> calls;     // shape points into it
    std::vector<std::string> bodies;  // of those that are answers
    const Call* shape = nullptr;      // the first of them
  };
  struct SentenceStream;  // of a client that gets each sentence as it is chosen
  struct DraftOrder;
  DraftOrder draft_order() const;
  Task<std::optional<countermeasure::GivenDraft>> chosen_draft(DraftOrder& order, SentenceStream& stream,
                                                               Drafts& drafts);
  bool end_sentences(bool finished, const SentenceStream& stream, std::string_view body);
  Task<Drafts> drafts_of(std::span<const std::string> requests);
  Task<Drafts> draft_sentences(countermeasure::Sentences& sentences, Marker::Subject& subject, SentenceStream* stream);
  Task<bool> send_sentence(const countermeasure::Sentences& sentences, const Call& shape, SentenceStream& stream);
  Task<bool> give_draft(size_t consumed, bool& stays);  // false: none was given, the request is to go on as ever
  bool begin_draft(wire::ResponseHead head, bool streamed, std::optional<size_t> bytes);
  Task<bool> draft_answer(std::string_view draft, std::string_view body, bool streamed, const wire::ResponseHead& head);
  void submit_draft(std::string_view body);
  std::string_view why_no_drafts() const;

  // summary.cc: what is said of reasoning that is withheld
  Task<void> summarise(AnswerEdit& edit, std::string& out);

  static asio::mutable_buffer room_for(const wire::BodyReader& body, Buffer& buffer);
  // So many bytes are known to follow.
  void observe(std::string& into, std::string_view payload, uint64_t to_come);
  void stop_observing();
  void release_charge();

  Worker& worker_;
  std::list<Session*>::iterator place_;
  Stream client_;
  Stream upstream_;
  std::string peer_;
  Buffer from_client_;
  Buffer from_upstream_;
  wire::RequestHead request_;
  wire::ResponseHead response_;
  std::string request_head_text_;  // request_ points into it
  std::string response_head_text_;
  std::string out_;
  wire::BodyReader request_body_;
  wire::BodyReader response_body_;
  uint8_t edits_ = 0;                 // bits of verdict::What that the policy wants for this account
  uint32_t drafts_ = 0;               // that it wants; 0 for none
  std::string marked_campaign_;       // as which they are marked, if so
  uint32_t canary_ = 0;               // which one of the pool edit_ puts in
  std::shared_ptr<Calls> calls_;      // under way
  std::unique_ptr<AnswerEdit> edit_;  // of an answer that they change
  std::string edited_;                // what it let pass and out_ does not hold yet
  Upload upload_ = Upload::kNone;
  Timer timer_;  // of a delay; cancelled when an upload ends or the session is closed
  Observation observation_;
  size_t charged_ = 0;  // bytes of it that count against what all sessions may hold
  bool observable_ = false;
  bool idle_ = true;
  bool waiting_ = false;   // for the upstream: the client has asked and owes nothing
  bool moved_ = false;     // bytes of an upload, since the last check
  bool answered_ = false;  // a byte of the final answer has gone out
  bool client_failed_ = false;
  int64_t deadline_ = 0;  // in seconds of the worker
  int64_t came_ = 0;      // the ticks when bytes were last read; 0: what follows says nothing of our latency
};

}  // namespace stillwatch::gateway
