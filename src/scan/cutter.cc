#include "scan/cutter.h"

#include <fmt/format.h>

#include <utility>

#include "base/limits.h"

namespace stillwatch::scan {
namespace {

// From the first line that tells; a file of whose first lines none does is not a log.
base::Result<dialect::LogFormat> detect(std::string_view text) {
  constexpr uint64_t kLinesTried = 50;
  std::optional<base::Result<dialect::LogFormat>> found;
  uint64_t tried = 0;
  for_each_line(text, 1, [&](std::string_view line, uint64_t) {
    if ((found && *found) || ++tried > kLinesTried) return;
    auto format = dialect::LogParser::detect(line);
    if (format || !found) found = std::move(format);
  });
  return found.value_or(base::fail(base::ErrorCode::kInput, "there is nothing but blank lines at its start"));
}

}  // namespace

std::optional<Piece> Cutter::next(size_t bytes) {
  if (ended_) return std::nullopt;
  if (!source_) {
    auto source = Source::open(path_);
    if (!source) return give_up(source.error().message);
    source_ = std::move(*source);
  }
  if (!failure_.empty()) return give_up(failure_);
  buffer_.resize(bytes);
  for (;;) {
    const auto n = source_->read(buffer_.data(), buffer_.size());
    if (!n) {
      failure_ = fmt::format("{}: {}", path_, n.error().message);
      return whole_ > 0 ? cut(whole_) : give_up(failure_);
    }
    if (*n == 0) {
      ended_ = true;
      if (pending_.empty()) return std::nullopt;
      return cut(pending_.size());
    }
    std::string_view read(buffer_.data(), *n);
    if (skipping_) {
      const size_t end = read.find('\n');
      if (end == std::string_view::npos) continue;
      read.remove_prefix(end + 1);
      skipping_ = false;
      ++line_;
    }
    const size_t newline = read.rfind('\n');
    if (newline != std::string_view::npos) whole_ = pending_.size() + newline + 1;
    pending_.append(read);
    if (whole_ > 0 && pending_.size() >= bytes) return cut(whole_);
    if (whole_ == 0 && pending_.size() > base::kLineBytesMax) return skip_line();
  }
}

Piece Cutter::cut(size_t size) {
  Piece piece;
  std::string rest = pending_.substr(size);
  pending_.resize(size);
  piece.text = std::exchange(pending_, std::move(rest));
  piece.first_line = line_;
  whole_ = 0;
  for (size_t at = 0; (at = piece.text.find('\n', at)) != std::string::npos; ++at) ++line_;
  if (!format_) {
    const auto found = detect(piece.text);
    if (!found) return give_up(fmt::format("{}: {}", path_, found.error().message));
    format_ = *found;
  }
  piece.format = *format_;
  return piece;
}

Piece Cutter::skip_line() {
  pending_ = {};  // its capacity too
  skipping_ = true;
  Piece piece;
  piece.first_line = line_;
  piece.skipped = true;
  return piece;
}

Piece Cutter::give_up(std::string why) {
  ended_ = true;
  Piece piece;
  piece.error = std::move(why);
  return piece;
}

}  // namespace stillwatch::scan
