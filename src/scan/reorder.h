// Puts right what comes late: holds records back until nothing earlier than they can still be expected, that is until a
// record base::kReorderWindowMs later has come, and lets them go in order of time, then of arrival. Never holds more
// than base::kReorderWindowMax: beyond that the earliest goes. A record that comes later still goes at once, counted as
// late.
//
// A clock that runs far ahead must not empty the window for all others, so the newest time only moves forward by what
// most records confirm: a record more than a day ahead of it waits until the window is full or the end.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "base/limits.h"
#include "base/time.h"

namespace stillwatch::scan {

template <typename Record>
class Reorder {
 public:
  // Takes a record of a time and calls release(Record&&) for all that are due.
  template <typename Release>
  void push(base::Time time, Record record, Release release) {
    const int64_t at = base::to_ms(time);
    if (count_ == 0) newest_ = at;
    if (at > newest_ && at - newest_ <= kLeapMsMax) newest_ = at;
    late_ += at < released_;
    heap_.push({at, count_++, std::move(record)});
    while (!heap_.empty() &&
           (heap_.top().at <= newest_ - base::kReorderWindowMs || heap_.size() > base::kReorderWindowMax)) {
      if (heap_.size() > base::kReorderWindowMax && heap_.top().at > newest_) newest_ = heap_.top().at;
      let_go(release);
    }
  }
  template <typename Release>
  void finish(Release release) {
    while (!heap_.empty()) let_go(release);
  }
  uint64_t late() const { return late_; }

 private:
  static constexpr int64_t kLeapMsMax = base::kDayMs;

  struct Held {
    int64_t at;
    uint64_t arrival;
    mutable Record record;  // moved out of the top, which is const
    bool operator>(const Held& other) const { return at != other.at ? at > other.at : arrival > other.arrival; }
  };

  template <typename Release>
  void let_go(Release& release) {
    released_ = std::max(released_, heap_.top().at);
    Record record = std::move(heap_.top().record);
    heap_.pop();
    release(std::move(record));
  }

  std::priority_queue<Held, std::vector<Held>, std::greater<>> heap_;
  int64_t newest_ = 0;
  int64_t released_ = INT64_MIN;
  uint64_t count_ = 0;
  uint64_t late_ = 0;
};

}  // namespace stillwatch::scan
