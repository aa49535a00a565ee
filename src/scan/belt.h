// Batches of lines on their way from the reader through the workers to the sequencer, in order at both ends.
//
// Bounds: at most `in_flight_max` batches between put() and next(); put() waits. Thread rule: one thread puts and
// closes, any number take and finish, one calls next; stop() from any.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "features/features.h"
#include "scan/cutter.h"

namespace stillwatch::scan {

struct Batch {
  size_t index = 0;   // given by the belt
  size_t file = 0;    // among the paths of the scan
  int64_t floor = 0;  // see Parsed
  Piece piece;
};

struct Record {
  std::string account;
  std::string organization;
  size_t file = 0;
  uint64_t line = 0;
  features::Features features;
};

// What became of a batch, or a note of the reader in its place among the batches.
struct Parsed {
  size_t file = 0;
  int64_t floor = 0;  // milliseconds; files not yet begun hold nothing earlier
  bool file_ended = false;
  std::vector<Record> records;
  uint64_t lines = 0;
  uint64_t bytes = 0;
  uint64_t broken = 0;
  uint64_t unidentified = 0;
  std::vector<std::string> located;
  std::string file_error;
};

class Belt {
 public:
  explicit Belt(size_t in_flight_max) : in_flight_max_(in_flight_max) {}

  // False once stopped.
  bool put(Batch batch) {
    std::unique_lock lock(mutex_);
    if (!wait_for_room(lock)) return false;
    batch.index = batches_++;
    waiting_.push_back(std::move(batch));
    work_.notify_one();
    return true;
  }
  // A result that needs no worker.
  bool put_done(Parsed parsed) {
    std::unique_lock lock(mutex_);
    if (!wait_for_room(lock)) return false;
    done_.emplace(batches_++, std::move(parsed));
    ready_.notify_one();
    return true;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    work_.notify_all();
    ready_.notify_all();
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    work_.notify_all();
    room_.notify_all();
  }

  std::optional<Batch> take() {
    std::unique_lock lock(mutex_);
    work_.wait(lock, [&] { return stopped_ || closed_ || !waiting_.empty(); });
    if (stopped_ || waiting_.empty()) return std::nullopt;
    Batch batch = std::move(waiting_.front());
    waiting_.pop_front();
    return batch;
  }
  void finish(size_t index, Parsed parsed) {
    const std::lock_guard lock(mutex_);
    done_.emplace(index, std::move(parsed));
    ready_.notify_one();
  }

  // The next result in order; nothing at the end.
  std::optional<Parsed> next() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return done_.count(taken_) > 0 || (closed_ && taken_ == batches_); });
    const auto it = done_.find(taken_);
    if (it == done_.end()) return std::nullopt;
    Parsed parsed = std::move(it->second);
    done_.erase(it);
    ++taken_;
    --in_flight_;
    room_.notify_one();
    return parsed;
  }

 private:
  bool wait_for_room(std::unique_lock<std::mutex>& lock) {
    room_.wait(lock, [&] { return stopped_ || in_flight_ < in_flight_max_; });
    if (stopped_) return false;
    ++in_flight_;
    return true;
  }

  const size_t in_flight_max_;
  std::mutex mutex_;
  std::condition_variable room_, work_, ready_;
  std::deque<Batch> waiting_;
  std::map<size_t, Parsed> done_;
  size_t batches_ = 0;
  size_t taken_ = 0;
  size_t in_flight_ = 0;
  bool closed_ = false;
  bool stopped_ = false;
};

}  // namespace stillwatch::scan
