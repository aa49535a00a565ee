#include "scan/feeder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"

namespace stillwatch::scan {
namespace {

constexpr size_t kPieceBytes = 1 << 20;
constexpr size_t kPieceBytesMin = 64 << 10;

struct File {
  size_t index = 0;
  Cutter cutter;
  std::optional<Piece> next;
  int64_t begins = 0;  // when, in milliseconds, the exchanges of `next` begin
  bool begun = false;  // something of it is on the belt
  uint64_t consumed = 0;
};

class Feeder {
 public:
  Feeder(const std::vector<std::string>& paths, const Options& options, Belt& belt, std::atomic<uint64_t>& consumed)
      : paths_(paths), options_(options), belt_(belt), consumed_(consumed) {}

  void run() {
    while (open_some(), !open_.empty()) {
      const auto file = std::min_element(open_.begin(), open_.end(), [](const File& a, const File& b) {
        return a.begins != b.begins ? a.begins < b.begins : a.index < b.index;
      });
      if (!put(*file)) return;
      if (file->next) {
        advance(*file);
      } else {
        open_.erase(file);
      }
    }
  }

 private:
  void open_some() {
    while (open_.size() < kOpenMax && opened_ < paths_.size()) {
      open_.push_back({opened_, Cutter(paths_[opened_], options_.format), {}, 0, false, 0});
      advance(open_.back());
      ++opened_;
    }
  }

  void advance(File& file) {
    // The first piece is large in any case: the format is told from it.
    const size_t bytes = file.begun ? std::max(kPieceBytesMin, kPieceBytes / open_.size()) : kPieceBytes;
    file.next = file.cutter.next(bytes);
    consumed_ += file.cutter.consumed() - std::exchange(file.consumed, file.cutter.consumed());
    if (paths_.size() > 1 && file.next && !file.next->text.empty()) {
      file.begins = begin_of(*file.next).value_or(file.begins);
    }
  }

  // The earlier of the first two times in a piece: one clock that runs ahead does not send a file to the end.
  std::optional<int64_t> begin_of(const Piece& piece) {
    constexpr int kLinesTried = 8;
    dialect::LogParser parser(piece.format, options_.map, options_.identities);
    std::optional<int64_t> earliest;
    int times = 0, tried = 0;
    const dialect::ExchangeSink sink = [&](const dialect::Exchange& e) {
      earliest = std::min(earliest.value_or(INT64_MAX), base::to_ms(e.time));
      ++times;
    };
    std::string_view rest = piece.text;
    while (!rest.empty() && times < 2 && tried++ < kLinesTried) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      static_cast<void>(parser.parse(rest.substr(0, end), sink));  // a broken line tells nothing
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return earliest;
  }

  // Puts the file's next piece, or its end, on the belt. False once that has stopped.
  bool put(File& file) {
    file.begun = true;
    int64_t floor = INT64_MAX;
    for (const File& other : open_) {
      if (!other.begun) floor = std::min(floor, other.begins);
    }
    if (file.next && !file.next->text.empty()) return belt_.put({0, file.index, floor, std::move(*file.next)});
    Parsed note;
    note.file = file.index;
    note.floor = floor;
    if (!file.next) {
      note.file_ended = true;
    } else if (file.next->skipped) {
      note.lines = note.broken = 1;
      note.located.push_back(fmt::format("{}:{}: the line is longer than {} MiB and was skipped", paths_[file.index],
                                         file.next->first_line, base::kLineBytesMax >> 20));
    } else {
      note.file_error = std::move(file.next->error);
    }
    return belt_.put_done(std::move(note));
  }

  const std::vector<std::string>& paths_;
  const Options& options_;
  Belt& belt_;
  std::atomic<uint64_t>& consumed_;
  std::vector<File> open_;
  size_t opened_ = 0;
};

}  // namespace

void feed(const std::vector<std::string>& paths, const Options& options, Belt& belt, std::atomic<uint64_t>& consumed) {
  Feeder(paths, options, belt, consumed).run();
  belt.close();
}

}  // namespace stillwatch::scan
