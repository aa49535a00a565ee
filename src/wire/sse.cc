#include "wire/sse.h"

#include <algorithm>

namespace stillwatch::wire {

// What of `bytes` belongs to the line, taken off them with its end; text is empty while the end has not come.
EventReader::Line EventReader::take_line(std::string_view& bytes) {
  const size_t end = std::min(bytes.find_first_of("\r\n"), bytes.size());
  const std::string_view part = bytes.substr(0, end);
  const bool whole = end < bytes.size();
  after_cr_ = whole && bytes[end] == '\r';
  bytes.remove_prefix(std::min(end + 1, bytes.size()));
  if (line_lost_ || line_.size() + part.size() > max_) {
    overlong_ = line_lost_ = true;
    line_.clear();
    if (whole) line_lost_ = first_ = false;
    return {{}, false};
  }
  if (whole && line_.empty()) return {part, true};
  line_ += part;
  return {line_, whole};
}

bool EventReader::end_line(std::string_view line) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (first_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  first_ = false;
  const bool ended = line.empty();
  if (line.starts_with("data") && (line.size() == 4 || line[4] == ':')) {
    std::string_view value = line.substr(std::min<size_t>(5, line.size()));
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (has_data_) {
      settle();
      data_ += '\n';
      data_ += value;
    } else {
      direct_ = value.data() != nullptr ? value : std::string_view("");
    }
    has_data_ = true;
    overlong_ = overlong_ || std::max(data_.size(), direct_.size()) > max_;
    if (overlong_) data_.clear();
  }
  if (!line_.empty()) {  // the line was pieced together: its memory is needed for the next
    settle();
    line_.clear();
  }
  return ended;
}

void EventReader::settle() {
  if (direct_.data() == nullptr) return;
  data_ = direct_;
  direct_ = {};
}

}  // namespace stillwatch::wire
