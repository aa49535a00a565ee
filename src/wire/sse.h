// Server-Sent Events as they arrive, in pieces of any size (WHATWG HTML Standard, section 9.2.6): the data of each
// event. Lines end with LF, CR or both; a byte order mark at the front, comments and fields other than `data` are
// passed over. Unlike there, an event whose empty line never came counts too: a stream that was cut has said it.
//
// Hostile input: an event with a line, or with data, beyond the bound is dropped and counted. Thread rule: a value.
// Bounds: twice the bytes of an event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace stillwatch::wire {

constexpr size_t kEventBytesMax = 4u << 20;

class EventReader {
 public:
  explicit EventReader(size_t event_bytes_max = kEventBytesMax) : max_(event_bytes_max) {}

  // Calls emit(data) for every event that ends within these bytes; the view lives as long as the call.
  template <typename Emit>
  void feed(std::string_view bytes, Emit emit) {
    while (!bytes.empty()) {
      if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
      after_cr_ = false;
      if (const auto line = take_line(bytes); line.whole && end_line(line.text)) dispatch(emit);
    }
    settle();
  }
  // At the end of the stream.
  template <typename Emit>
  void finish(Emit emit) {
    const std::string last = std::move(line_);
    line_.clear();
    if (!last.empty()) end_line(last);
    dispatch(emit);
  }

  uint64_t dropped() const { return dropped_; }

 private:
  struct Line {
    std::string_view text;
    bool whole;
  };
  Line take_line(std::string_view& bytes);
  bool end_line(std::string_view line);  // true: the event has ended
  void settle();                         // makes what points into the caller's bytes its own

  template <typename Emit>
  void dispatch(Emit& emit) {
    if (overlong_) {
      ++dropped_;
    } else if (has_data_) {
      emit(direct_.data() != nullptr ? direct_ : std::string_view(data_));
    }
    data_.clear();
    direct_ = {};
    has_data_ = overlong_ = false;
  }

  size_t max_;
  std::string line_;         // the beginning of a line whose end has not come
  std::string data_;         // of an event whose end has not come
  std::string_view direct_;  // instead of data_: the only line of data, in the caller's bytes
  bool has_data_ = false;
  bool overlong_ = false;   // the event is dropped
  bool line_lost_ = false;  // of the line so far, for it is overlong
  bool after_cr_ = false;
  bool first_ = true;  // nothing of the first line has been read
  uint64_t dropped_ = 0;
};

}  // namespace stillwatch::wire
