#include "serving/text_gate.h"

#include <algorithm>
#include <utility>

namespace stillwatch::serving {
namespace {

// Bytes at the end of `text` that begin a UTF-8 character and do not end it.
size_t unfinished(std::string_view text) {
  for (size_t back = 1; back <= std::min<size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xc0) == 0x80) continue;
    const size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

// The longest end of `text` that a stop text begins with.
size_t begun(std::string_view text, const std::vector<std::string>& stops) {
  size_t longest = 0;
  for (const std::string& stop : stops) {
    for (size_t n = std::min(stop.size() - 1, text.size()); n > longest; --n) {
      if (text.ends_with(std::string_view(stop).substr(0, n))) longest = n;
    }
  }
  return longest;
}

}  // namespace

std::string TextGate::push(std::string_view bytes) {
  if (stopped_) return {};
  held_ += bytes;
  size_t at = std::string::npos;
  for (const std::string& stop : stops_) at = std::min(at, held_.find(stop));
  if (at != std::string::npos) {
    stopped_ = true;
    held_.resize(at);
    return std::exchange(held_, {});
  }
  const size_t keep = std::max(unfinished(held_), begun(held_, stops_));
  std::string out = held_.substr(0, held_.size() - keep);
  held_.erase(0, out.size());
  return out;
}

std::string TextGate::finish() {
  return std::exchange(held_, {});
}

}  // namespace stillwatch::serving
