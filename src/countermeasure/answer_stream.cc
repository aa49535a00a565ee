#include "countermeasure/answer_stream.h"

#include <algorithm>
#include <utility>

namespace stillwatch::countermeasure {
namespace {

struct Line {
  std::string_view text;  // without its end
  std::string_view whole;
};

// The line at the front of `rest`, which is not empty; takes it off.
Line take_line(std::string_view& rest) {
  const size_t end = rest.find_first_of("\r\n");
  if (end == rest.npos) {
    const std::string_view last = std::exchange(rest, {});
    return {last, last};
  }
  const size_t past = end + (rest.substr(end, 2) == "\r\n" ? 2 : 1);
  const Line line{rest.substr(0, end), rest.substr(0, past)};
  rest.remove_prefix(past);
  return line;
}

// The value of a field if the line is one of it.
bool is_field(std::string_view line, std::string_view name, std::string_view& value) {
  if (!line.starts_with(name)) return false;
  line.remove_prefix(name.size());
  if (line.empty()) {
    value = line;
    return true;
  }
  if (line.front() != ':') return false;
  line.remove_prefix(1);
  if (line.starts_with(' ')) line.remove_prefix(1);
  value = line;
  return true;
}

// Past the empty line that ends the event at the front of `text`; npos if there is none yet. A CR at the very end may
// be half of a line end.
size_t event_end(std::string_view text, size_t from) {
  for (size_t at = from; at < text.size(); ++at) {
    if (text[at] != '\n' && text[at] != '\r') continue;
    const std::string_view rest = text.substr(at);
    for (const std::string_view end : {"\r\n\r\n", "\n\n", "\r\r"}) {
      if (rest.starts_with(end) && (end.back() != '\r' || rest.size() > end.size())) return at + end.size();
    }
    if (rest.starts_with("\n\r\n")) return at + 3;
  }
  return text.npos;
}

}  // namespace

void AnswerStream::take_event(std::string_view bytes, const Editor& editor, std::string& out) {
  AnswerEvent event;
  std::string joined;
  std::string_view data_line;
  int data_lines = 0;
  for (std::string_view rest = bytes; !rest.empty();) {
    const Line line = take_line(rest);
    std::string_view value;
    if (is_field(line.text, "data", value)) {
      if (data_lines++ > 0) joined += '\n';
      joined += value;
    } else if (is_field(line.text, "event", value)) {
      event.name = value;
    }
  }
  event.data = joined;
  event.raw = bytes;
  if (data_lines > 0) editor(event);
  out += event.before;
  if (event.drop) return;
  if (!event.changed) {
    out += bytes;
    return;
  }
  bool written = false;
  for (std::string_view rest = bytes; !rest.empty();) {
    const Line line = take_line(rest);
    std::string_view value;
    if (!is_field(line.text, "data", value)) {
      out += line.whole;
      continue;
    }
    if (std::exchange(written, true)) continue;
    // Data of several lines stays on several.
    for (std::string_view left = event.new_data; written;) {
      const size_t end = std::min(left.find('\n'), left.size());
      out.append("data: ").append(left.substr(0, end)).append("\n");
      if (end == left.size()) break;
      left.remove_prefix(end + 1);
    }
  }
}

void AnswerStream::take_document(std::string_view document, const Editor& editor, std::string& out) {
  AnswerEvent event;
  event.data = event.raw = document;
  editor(event);
  out += event.before;
  if (!event.drop) out += event.changed ? std::string_view(event.new_data) : document;
}

void AnswerStream::pass(std::string_view bytes, const Editor& editor, std::string& out) {
  if (broken_) return;
  held_ += bytes;
  if (kind_ == Kind::kUnknown) {
    const size_t start = held_.find_first_not_of(" \t\r\n");
    if (start == held_.npos) return;
    const char first = held_[start];
    if (lines_) {
      kind_ = first == '{' ? Kind::kLines : Kind::kOther;
    } else {
      kind_ = first == '{' || first == '[' ? Kind::kDocument : Kind::kEvents;
    }
  }
  if (kind_ == Kind::kEvents) {
    size_t begin = 0;
    while (true) {
      const size_t end = event_end(held_, std::max(begin, searched_));
      if (end == held_.npos) break;
      take_event(std::string_view(held_).substr(begin, end - begin), editor, out);
      begin = searched_ = end;
    }
    held_.erase(0, begin);
    searched_ = held_.size() > 3 ? held_.size() - 3 : 0;  // an end may lie across pieces
  }
  if (kind_ == Kind::kOther) out += std::exchange(held_, {});
  if (kind_ == Kind::kLines) {
    size_t begin = 0;
    for (size_t end = 0; (end = held_.find('\n', std::max(begin, searched_))) != held_.npos; begin = end + 1) {
      take_document(std::string_view(held_).substr(begin, end - begin), editor, out);
      out += '\n';
    }
    held_.erase(0, begin);
    searched_ = held_.size();
  }
  if (held_.size() > kAnswerEventBytesMax) {
    broken_ = true;
    held_.clear();
  }
}

void AnswerStream::finish(const Editor& editor, std::string& out) {
  if (broken_ || held_.empty()) return;
  if (kind_ == Kind::kEvents) {
    take_event(held_, editor, out);
  } else {
    take_document(held_, editor, out);
  }
  held_.clear();
}

}  // namespace stillwatch::countermeasure
