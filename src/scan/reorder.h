// Puts right what comes late, and merges files by time: holds records back until nothing earlier can still be expected,
// and lets them go in order of time, then of file, then of arrival. Nothing earlier than a file's newest record less
// base::kReorderWindowMs is expected of that file; files not yet begun hold nothing before the floor. Never holds more
// than base::kReorderWindowMax: beyond that the earliest goes. A record that comes later still goes at once, counted as
// late.
//
// A clock that runs far ahead must not empty the window for all others, so a file's newest time only moves forward by
// what most records confirm: a record more than a day ahead of it waits until the window is full or the end. There, the
// few that lie more than a year after all others are rejected: no log pauses for a year.
//
// Thread rule: one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <queue>
#include <vector>

#include "base/limits.h"
#include "base/time.h"

namespace stillwatch::scan {

template <typename Record>
class Reorder {
 public:
  // Files not yet begun hold nothing before this.
  void set_floor(int64_t ms) { floor_ = ms; }

  // Takes a record of a file and calls release(Record&&) for all that are due.
  template <typename Release>
  void push(size_t file, base::Time time, Record record, Release release) {
    const int64_t at = base::to_ms(time);
    int64_t& newest = newest_.try_emplace(file, at).first->second;
    if (at > newest && at - newest <= kLeapMsMax) newest = at;
    late_ += at < released_;
    held_.push({at, file, arrivals_++, std::move(record)});
    let_go(release);
  }
  // A file has ended: no record of it is expected any more.
  template <typename Release>
  void end(size_t file, Release release) {
    const auto it = newest_.find(file);
    if (it == newest_.end()) return;
    newest_when_ended_ = it->second;
    newest_.erase(it);
    let_go(release);
  }
  // The rest, in order; reject(Record&&) for those whose clock is wrong.
  template <typename Release, typename Reject>
  void finish(Release release, Reject reject) {
    std::vector<Held> rest;
    for (; !held_.empty(); held_.pop()) {
      const Held& top = held_.top();
      rest.push_back({top.at, top.file, top.arrival, std::move(top.record)});
    }
    size_t good = rest.size();
    int64_t before = released_;
    for (size_t i = 0; i < rest.size(); before = rest[i++].at) {
      if (before == INT64_MIN || rest[i].at - before <= kPauseMsMax) continue;
      if (rest.size() - i < released_count_ + i) good = i;
      break;
    }
    for (size_t i = 0; i < rest.size(); ++i) {
      if (i < good) {
        release(std::move(rest[i].record));
      } else {
        reject(std::move(rest[i].record));
      }
    }
  }
  uint64_t late() const { return late_; }

 private:
  static constexpr int64_t kLeapMsMax = base::kDayMs;
  static constexpr int64_t kPauseMsMax = 366 * base::kDayMs;

  struct Held {
    int64_t at;
    size_t file;
    uint64_t arrival;
    mutable Record record;  // moved out of the top, which is const
    bool operator>(const Held& other) const {
      if (at != other.at) return at > other.at;
      return file != other.file ? file > other.file : arrival > other.arrival;
    }
  };

  // Between one file and the next, clocks that run ahead are still held back.
  int64_t expected() const {
    int64_t earliest = newest_.empty() ? std::min(floor_, newest_when_ended_) : floor_;
    for (const auto& [file, newest] : newest_) earliest = std::min(earliest, newest);
    return earliest - base::kReorderWindowMs;
  }

  template <typename Release>
  void let_go(Release& release) {
    const int64_t due = expected();
    while (!held_.empty() && (held_.top().at <= due || held_.size() > base::kReorderWindowMax)) {
      const Held& top = held_.top();
      if (const auto it = newest_.find(top.file); it != newest_.end()) it->second = std::max(it->second, top.at);
      released_ = std::max(released_, top.at);
      ++released_count_;
      Record record = std::move(top.record);
      held_.pop();
      release(std::move(record));
    }
  }

  std::priority_queue<Held, std::vector<Held>, std::greater<>> held_;
  std::map<size_t, int64_t> newest_;  // of the files under way
  int64_t newest_when_ended_ = 0;
  int64_t floor_ = INT64_MAX;
  int64_t released_ = INT64_MIN;
  uint64_t released_count_ = 0;
  uint64_t arrivals_ = 0;
  uint64_t late_ = 0;
};

}  // namespace stillwatch::scan
