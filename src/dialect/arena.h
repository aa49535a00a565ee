// Text that had to be joined out of parts; views stay valid until clear(). Bounded by its inputs: every byte comes from
// the record being read.
#pragma once

#include <deque>
#include <string>
#include <string_view>

namespace stillwatch::dialect {

class Arena {
 public:
  void clear() { used_ = 0; }

  // `a` and `b` with a line break between, or the one of them that is not empty.
  std::string_view join(std::string_view a, std::string_view b) {
    if (a.empty()) return b;
    if (b.empty()) return a;
    // Joining part after part extends the last joined text in place.
    if (used_ > 0 && a.data() == texts_[used_ - 1].data() && a.size() == texts_[used_ - 1].size()) {
      std::string& last = texts_[used_ - 1];
      last.append(1, '\n').append(b);
      return last;
    }
    std::string& text = next();
    text.assign(a).append(1, '\n').append(b);
    return text;
  }
  std::string_view keep(std::string_view text) { return next().assign(text); }

 private:
  std::string& next() {
    if (used_ == texts_.size()) texts_.emplace_back();
    return texts_[used_++];
  }
  std::deque<std::string> texts_;  // a deque: views into earlier texts survive growth
  size_t used_ = 0;
};

}  // namespace stillwatch::dialect
