// One client connection: request after request to the upstream and back. Private to the module.
#pragma once

#include <list>

#include "gateway/worker.h"
#include "wire/body.h"

namespace stillwatch::gateway {

constexpr size_t kBufferBytes = wire::kHeadBytesMax;

// Bytes read and not yet consumed.
class Buffer {
 public:
  std::string_view view() const { return {data_.data() + begin_, end_ - begin_}; }
  void consume(size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Room for more; empty if kBufferBytes are held.
  asio::mutable_buffer room();
  void fill(size_t n) { end_ += n; }
  void clear() { begin_ = end_ = 0; }

 private:
  std::vector<char> data_;
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

  Task<bool> exchange();  // true: another may follow
  Task<bool> read_head();
  Task<bool> connect();
  Task<void> upload();
  Task<bool> answer();
  Task<bool> relay_response_body(wire::BodyReader& body);
  bool client_left();
  Task<bool> answer_ourselves(int status, std::string_view reason);
  bool take_request_body(std::string_view bytes, size_t& consumed);
  void observe(std::string& into, std::string_view payload);
  void finish_observation();
  void expect_within(std::chrono::seconds time) { deadline_ = worker_.seconds() + time.count(); }

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
  Upload upload_ = Upload::kNone;
  Timer uploaded_;  // cancelled when an upload ends
  Observation observation_;
  bool observable_ = false;
  bool idle_ = true;
  bool answering_ = false;
  int64_t deadline_ = 0;  // in seconds of the worker
};

}  // namespace stillwatch::gateway
