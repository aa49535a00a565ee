// A line on standard error that redraws itself on a terminal; nothing elsewhere.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

namespace stillwatch::apps {

class ProgressBar {
 public:
  // `total` 0: unknown, and no bar then.
  ProgressBar(uint64_t total, bool quiet) : total_(total), shown_(!quiet && ::isatty(STDERR_FILENO) == 1) {}
  ~ProgressBar() {
    if (drawn_) fmt::print(stderr, "\r\033[K");
  }
  // `words(seconds)` gives what stands behind the bar; it is called when the line is drawn anew.
  template <typename Words>
  void update(uint64_t done, const Words& words) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now < next_) return;
    next_ = now + std::chrono::milliseconds(200);
    std::string bar;
    if (total_ > 0) {
      const auto filled = static_cast<size_t>(30 * std::min(done, total_) / total_);
      bar = fmt::format("[{}{}] {:3} %  ", std::string(filled, '#'), std::string(30 - filled, '.'),
                        100 * std::min(done, total_) / total_);
    }
    const double seconds = std::chrono::duration<double>(now - start_).count();
    fmt::print(stderr, "\r\033[K{}{}", bar, words(std::max(0.1, seconds)));
    std::fflush(stderr);
    drawn_ = true;
  }

 private:
  uint64_t total_;
  bool shown_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point next_ = start_;
};

}  // namespace stillwatch::apps
