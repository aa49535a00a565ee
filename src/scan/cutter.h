// One log cut into pieces of whole lines, and what format it has.
//
// Bounds: a piece is as large as asked for and the line that crosses its end; a line beyond base::kLineBytesMax is
// skipped while it passes. A partial line at a cut-off end is dropped. Thread rule: one thread.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dialect/log_format.h"
#include "scan/source.h"

namespace stillwatch::scan {

// Text, or one of two notes.
struct Piece {
  std::string text;  // whole lines, the last perhaps without its newline
  uint64_t first_line = 1;
  dialect::LogFormat format{};
  bool skipped = false;  // instead of text: the line `first_line` is too long
  std::string error;     // instead of text: why the file ends here
};

class Cutter {
 public:
  // `format` nothing: detected from the first lines.
  Cutter(const std::string& path, std::optional<dialect::LogFormat> format) : path_(path), format_(format) {}

  // The next piece of about `bytes`; nothing at the end.
  std::optional<Piece> next(size_t bytes);

  uint64_t consumed() const { return source_ ? source_->consumed() : 0; }

 private:
  Piece cut(size_t size);
  Piece skip_line();
  Piece give_up(std::string why);

  std::string path_;
  std::optional<dialect::LogFormat> format_;
  std::unique_ptr<Source> source_;
  std::string buffer_;
  std::string pending_;  // read, not yet handed out
  size_t whole_ = 0;     // bytes of pending_ up to its last newline
  uint64_t line_ = 1;    // number of the first line in pending_
  std::string failure_;  // of the source, told after what came before it
  bool skipping_ = false;
  bool ended_ = false;
};

// Calls visit(line, number) for every line that is not blank; gives how many lines there are.
template <typename Visit>
uint64_t for_each_line(std::string_view text, uint64_t number, Visit visit) {
  uint64_t lines = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) visit(line, number + lines);
    ++lines;
  }
  return lines;
}

}  // namespace stillwatch::scan
