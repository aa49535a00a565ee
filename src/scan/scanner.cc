#include "scan/scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "base/hash.h"
#include "base/limits.h"
#include "scan/reorder.h"
#include "scan/source.h"

namespace stillwatch::scan {
namespace {

using base::ErrorCode;
using base::Result;

constexpr size_t kBatchBytes = 1 << 20;

struct Batch {
  size_t index = 0;
  const std::string* path = nullptr;
  dialect::LogFormat format{};
  uint64_t first_line = 1;  // 1-based
  std::string text;         // whole lines
};

struct Record {
  std::string account;
  std::string organization;
  features::Features features;
};

struct Parsed {
  std::vector<Record> records;
  uint64_t lines = 0;
  uint64_t bytes = 0;
  uint64_t broken = 0;
  uint64_t unidentified = 0;
  std::vector<std::string> located;
  std::string file_error;  // of the reader, in its place among the batches
};

std::string bounded(std::string_view prefix, std::string_view name) {
  if (name.size() <= base::kIdentityBytesMax) return fmt::format("{}{}", prefix, name);
  return fmt::format("{}long-{:016x}", prefix, base::hash64(name));
}

// Who is answerable: the account, else whoever is named next.
std::string account_of(const dialect::Exchange& e) {
  if (!e.account.empty()) return bounded("", e.account);
  if (!e.organization.empty()) return bounded("organization:", e.organization);
  if (!e.user.empty()) return bounded("user:", e.user);
  if (!e.network.empty()) return bounded("network:", e.network);
  return {};
}

// Calls visit(line, number) for every line that is not blank.
template <typename Visit>
uint64_t for_each_line(std::string_view text, uint64_t number, Visit visit) {
  uint64_t lines = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++lines;
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) visit(line, number);
    ++number;
  }
  return lines;
}

class Worker {
 public:
  explicit Worker(const Options& options) : options_(options) {}

  Parsed run(const Batch& batch) {
    Parsed out;
    if (!parser_ || format_ != batch.format) {
      parser_.emplace(batch.format, options_.map, options_.identities);
      format_ = batch.format;
    }
    out.bytes = batch.text.size();
    const auto sink = [&](const dialect::Exchange& e) {
      std::string account = account_of(e);
      if (account.empty()) {
        ++out.unidentified;
        return;
      }
      out.records.push_back({std::move(account), bounded("", e.organization), extractor_.extract(e)});
    };
    out.lines = for_each_line(batch.text, batch.first_line, [&](std::string_view line, uint64_t number) {
      const auto parsed = parser_->parse(line, sink);
      if (parsed) return;
      ++out.broken;
      if (out.located.size() < report::ReadStats::kLocatedMax) {
        out.located.push_back(fmt::format("{}:{}: {}", *batch.path, number, parsed.error().message));
      }
    });
    return out;
  }

 private:
  const Options& options_;
  std::optional<dialect::LogParser> parser_;
  dialect::LogFormat format_{};
  features::FeatureExtractor extractor_;
};

// Batches on their way from the reader through the workers to the sequencer, in order at both ends.
class Belt {
 public:
  explicit Belt(size_t in_flight_max) : in_flight_max_(in_flight_max) {}

  // False once stopped.
  bool put(Batch batch) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return stopped_ || in_flight_ < in_flight_max_; });
    if (stopped_) return false;
    ++in_flight_;
    batch.index = batches_++;
    waiting_.push_back(std::move(batch));
    work_.notify_one();
    return true;
  }
  // A result that needs no worker.
  void put_done(Parsed parsed) {
    const std::lock_guard lock(mutex_);
    ++in_flight_;
    done_.emplace(batches_++, std::move(parsed));
    ready_.notify_one();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    work_.notify_all();
    ready_.notify_all();
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    work_.notify_all();
    room_.notify_all();
  }

  std::optional<Batch> take() {
    std::unique_lock lock(mutex_);
    work_.wait(lock, [&] { return stopped_ || closed_ || !waiting_.empty(); });
    if (stopped_ || waiting_.empty()) return std::nullopt;
    Batch batch = std::move(waiting_.front());
    waiting_.pop_front();
    return batch;
  }
  void finish(size_t index, Parsed parsed) {
    const std::lock_guard lock(mutex_);
    done_.emplace(index, std::move(parsed));
    ready_.notify_one();
  }

  // The next result in order; nothing at the end.
  std::optional<Parsed> next() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return done_.count(taken_) > 0 || (closed_ && taken_ == batches_); });
    const auto it = done_.find(taken_);
    if (it == done_.end()) return std::nullopt;
    Parsed parsed = std::move(it->second);
    done_.erase(it);
    ++taken_;
    --in_flight_;
    room_.notify_one();
    return parsed;
  }

 private:
  const size_t in_flight_max_;
  std::mutex mutex_;
  std::condition_variable room_, work_, ready_;
  std::deque<Batch> waiting_;
  std::map<size_t, Parsed> done_;
  size_t batches_ = 0;
  size_t taken_ = 0;
  size_t in_flight_ = 0;
  bool closed_ = false;
  bool stopped_ = false;
};

// Cuts a source into batches of whole lines.
class Reader {
 public:
  Reader(const std::string& path, const Options& options, Belt& belt, std::atomic<uint64_t>& consumed)
      : path_(path), options_(options), belt_(belt), consumed_(consumed), buffer_(kBatchBytes) {}

  void run() {
    auto source = Source::open(path_);
    if (!source) return report(source.error().message);
    uint64_t before = 0;
    for (;;) {
      const auto n = (*source)->read(buffer_.data(), buffer_.size());
      if (!n) {
        flush(true);
        return report(fmt::format("{}: {}", path_, n.error().message));
      }
      consumed_ += (*source)->consumed() - before;
      before = (*source)->consumed();
      if (*n == 0) break;
      take({buffer_.data(), *n});
      if (stopped_) return;
    }
    flush(true);
  }

 private:
  void report(std::string message) {
    Parsed parsed;
    parsed.file_error = std::move(message);
    belt_.put_done(std::move(parsed));
  }

  void take(std::string_view bytes) {
    if (skipping_) {
      const size_t end = bytes.find('\n');
      if (end == std::string_view::npos) return;
      skipping_ = false;
      bytes.remove_prefix(end + 1);
      ++line_;
    }
    pending_.append(bytes);
    if (pending_.size() >= kBatchBytes) flush(false);
  }

  void flush(bool at_end) {
    const size_t last = pending_.rfind('\n');
    if (!at_end && last == std::string::npos) {
      if (pending_.size() <= base::kLineBytesMax) return;
      Parsed parsed;
      parsed.broken = 1;
      parsed.located.push_back(fmt::format("{}:{}: the line is longer than {} MiB and was skipped", path_, line_,
                                           base::kLineBytesMax >> 20));
      belt_.put_done(std::move(parsed));
      pending_ = {};
      skipping_ = true;
      return;
    }
    if (pending_.empty()) return;
    Batch batch;
    batch.path = &path_;
    batch.first_line = line_;
    const size_t size = at_end ? pending_.size() : last + 1;
    batch.text = pending_.substr(0, size);
    pending_.erase(0, size);
    line_ += static_cast<uint64_t>(std::count(batch.text.begin(), batch.text.end(), '\n'));
    if (!decide_format(batch.text)) {
      stopped_ = true;
      return;
    }
    batch.format = *format_;
    stopped_ = !belt_.put(std::move(batch));
  }

  // From the first line that tells; a file of which none does is given up.
  bool decide_format(std::string_view text) {
    if (format_) return true;
    if (options_.format) {
      format_ = options_.format;
      return true;
    }
    constexpr uint64_t kLinesTried = 50;
    std::string why = "no line in it";
    uint64_t tried = 0;
    for_each_line(text, 1, [&](std::string_view line, uint64_t) {
      if (format_ || ++tried > kLinesTried) return;
      if (const auto found = dialect::LogParser::detect(line)) {
        format_ = *found;
      } else if (tried == 1) {
        why = found.error().message;
      }
    });
    if (!format_) report(fmt::format("{}: {}", path_, why));
    return format_.has_value();
  }

  const std::string& path_;
  const Options& options_;
  Belt& belt_;
  std::atomic<uint64_t>& consumed_;
  std::vector<char> buffer_;
  std::string pending_;
  uint64_t line_ = 1;
  bool skipping_ = false;
  bool stopped_ = false;
  std::optional<dialect::LogFormat> format_;
};

}  // namespace

Result<report::ReadStats> scan(const std::vector<std::string>& paths, const Options& options,
                               pipeline::Pipeline& pipeline, const Progress& progress) {
  report::ReadStats stats;
  Belt belt(4 * std::max(1u, options.threads));
  std::atomic<uint64_t> consumed = 0;
  std::vector<std::jthread> threads;
  threads.emplace_back([&] {
    for (const std::string& path : paths) Reader(path, options, belt, consumed).run();
    belt.close();
  });
  for (unsigned i = 0; i < std::max(1u, options.threads); ++i) {
    threads.emplace_back([&] {
      Worker worker(options);
      while (auto batch = belt.take()) belt.finish(batch->index, worker.run(*batch));
    });
  }

  Reorder<Record> reorder;
  const auto release = [&](Record&& r) { pipeline.observe(r.account, r.organization, r.features); };
  std::optional<base::Error> fatal;
  while (auto parsed = belt.next()) {
    stats.lines += parsed->lines;
    stats.bytes += parsed->bytes;
    stats.broken += parsed->broken;
    stats.unidentified += parsed->unidentified;
    for (std::string& where : parsed->located) {
      if (stats.located.size() < report::ReadStats::kLocatedMax) stats.located.push_back(std::move(where));
    }
    if (options.strict && parsed->broken > 0) {
      fatal = base::Error{ErrorCode::kInput,
                          fmt::format("{} (--strict stops at the first broken line)", stats.located.front())};
    }
    if (!parsed->file_error.empty()) {
      if (options.strict) fatal = base::Error{ErrorCode::kInput, parsed->file_error};
      stats.file_errors.push_back(std::move(parsed->file_error));
    }
    if (fatal) break;
    for (Record& r : parsed->records) {
      ++stats.exchanges;
      const base::Time time = r.features.time;
      reorder.push(time, std::move(r), release);
    }
    if (progress && !progress(consumed, stats.exchanges)) break;
  }
  belt.stop();
  threads.clear();
  if (fatal) return tl::unexpected(*fatal);
  reorder.finish(release);
  stats.files = paths.size();
  stats.late = reorder.late();
  return stats;
}

}  // namespace stillwatch::scan
