// Events of any stream, cut anywhere, are those that a slow reading of the whole stream finds.
#include <cstdlib>
#include <vector>

#include "wire/sse.h"

namespace {

using stillwatch::wire::EventReader;
using Events = std::vector<std::string>;

// Line by line, as the standard is written.
Events slowly(std::string text, size_t max, uint64_t& dropped) {
  if (text.starts_with("\xEF\xBB\xBF") && text.substr(0, text.find_first_of("\r\n")).size() <= max) text.erase(0, 3);
  std::vector<std::string> lines;
  std::string line;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r' && text[i] != '\n') {
      line += text[i];
      continue;
    }
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    lines.push_back(std::move(line));
    line.clear();
  }
  if (!line.empty()) lines.push_back(std::move(line));
  lines.push_back("");
  Events events;
  std::string data;
  bool has_data = false, overlong = false;
  for (const std::string& l : lines) {
    if (l.empty()) {
      if (overlong) {
        ++dropped;
      } else if (has_data) {
        events.push_back(data);
      }
      data.clear();
      has_data = overlong = false;
    } else if (l.size() > max) {
      overlong = true;
    } else if (l == "data" || l.starts_with("data:")) {
      std::string value = l.size() > 5 ? l.substr(5) : "";
      if (value.starts_with(' ')) value.erase(0, 1);
      if (has_data) data += '\n';
      data += value;
      has_data = true;
      overlong = overlong || data.size() > max;
    }
  }
  return events;
}

Events cut(std::string_view text, size_t max, size_t piece, uint64_t& dropped) {
  EventReader reader(max);
  Events events;
  const auto emit = [&](std::string_view data) { events.emplace_back(data); };
  for (size_t at = 0; at < text.size(); at += std::min(piece, text.size())) {
    const std::string copy(text.substr(at, piece));
    reader.feed(copy, emit);
  }
  reader.finish(emit);
  dropped = reader.dropped();
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t max = 16 + data[0];
  const size_t piece = 1 + data[1] % 32;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  uint64_t expected_dropped = 0;
  const Events expected = slowly(std::string(text), max, expected_dropped);
  for (const size_t p : {size_t{1}, piece, SIZE_MAX}) {
    uint64_t dropped = 0;
    if (cut(text, max, p, dropped) != expected || dropped != expected_dropped) std::abort();
  }
  return 0;
}
