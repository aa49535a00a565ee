#include "scan/scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/hash.h"
#include "base/limits.h"
#include "scan/belt.h"
#include "scan/feeder.h"
#include "scan/reorder.h"

namespace stillwatch::scan {
namespace {

using base::ErrorCode;
using base::Result;

// No model was served to the public before: an exchange dated earlier has a clock that was never set.
constexpr base::Time kEarliest{std::chrono::sys_days{std::chrono::year{2015} / 1 / 1}};

std::string bounded(std::string_view prefix, std::string_view name) {
  std::string out(prefix);
  if (name.size() <= base::kIdentityBytesMax) return out.append(name);
  return out.append(fmt::format("long-{:016x}", base::hash64(name)));
}

// Who is answerable: the account, else whoever is named next.
std::string account_of(const dialect::Exchange& e) {
  if (!e.account.empty()) return bounded("", e.account);
  if (!e.organization.empty()) return bounded("organization:", e.organization);
  if (!e.user.empty()) return bounded("user:", e.user);
  if (!e.network.empty()) return bounded("network:", e.network);
  return {};
}

class Worker {
 public:
  Worker(const std::vector<std::string>& paths, const Options& options) : paths_(paths), options_(options) {}

  Parsed run(const Batch& batch) {
    const Piece& piece = batch.piece;
    if (!parser_ || format_ != piece.format) {
      parser_.emplace(piece.format, options_.map, options_.identities);
      format_ = piece.format;
    }
    Parsed out;
    out.file = batch.file;
    out.floor = batch.floor;
    out.bytes = piece.text.size();
    uint64_t line = 0;
    const auto broken = [&](std::string_view why) {
      ++out.broken;
      if (out.located.size() < report::ReadStats::kLocatedMax)
        out.located.push_back(fmt::format("{}:{}: {}", paths_[batch.file], line, why));
    };
    const dialect::ExchangeSink sink = [&](const dialect::Exchange& e) {
      if (e.time < kEarliest) return broken("dated before 2015: a clock that was not set");
      std::string account = account_of(e);
      if (account.empty()) {
        ++out.unidentified;
        return;
      }
      out.records.push_back({std::move(account), bounded("", e.organization), batch.file, line, extractor_.extract(e)});
    };
    out.lines = for_each_line(piece.text, piece.first_line, [&](std::string_view text, uint64_t number) {
      line = number;
      if (const auto parsed = parser_->parse(text, sink); !parsed) broken(parsed.error().message);
    });
    return out;
  }

 private:
  const std::vector<std::string>& paths_;
  const Options& options_;
  std::optional<dialect::LogParser> parser_;
  dialect::LogFormat format_{};
  features::FeatureExtractor extractor_;
};

// Takes results in the order of the belt and feeds the pipeline in the order of time.
class Sequencer {
 public:
  Sequencer(const std::vector<std::string>& paths, bool strict, pipeline::Pipeline& pipeline)
      : paths_(paths), strict_(strict), pipeline_(pipeline) {}

  // An error if the scan is strict and something could not be read.
  Result<void> take(Parsed parsed) {
    stats_.lines += parsed.lines;
    stats_.bytes += parsed.bytes;
    stats_.unidentified += parsed.unidentified;
    if (auto ok = note_broken(parsed.broken, std::move(parsed.located)); !ok) return ok;
    if (!parsed.file_error.empty()) {
      if (strict_) return base::fail(ErrorCode::kInput, std::move(parsed.file_error));
      stats_.file_errors.push_back(std::move(parsed.file_error));
    }
    const auto observe = [this](Record&& r) { release(std::move(r)); };
    reorder_.set_floor(parsed.floor);
    for (Record& r : parsed.records) {
      const base::Time time = r.features.time;
      reorder_.push(parsed.file, time, std::move(r), observe);
    }
    if (parsed.file_ended) reorder_.end(parsed.file, observe);
    return {};
  }

  Result<report::ReadStats> finish() {
    Result<void> ok;
    reorder_.finish([this](Record&& r) { release(std::move(r)); },
                    [&](Record&& r) {
                      auto noted = note_broken(
                          1, {fmt::format("{}:{}: dated {}, more than a year after everything else: a wrong clock",
                                          paths_[r.file], r.line, base::format_date(r.features.time))});
                      if (ok) ok = std::move(noted);
                    });
    if (!ok) return tl::unexpected(ok.error());
    stats_.files = paths_.size();
    stats_.late = reorder_.late();
    return std::move(stats_);
  }

  uint64_t exchanges() const { return stats_.exchanges; }

 private:
  void release(Record&& r) {
    ++stats_.exchanges;
    pipeline_.follow(r.account, r.features);
    pipeline_.observe(r.account, r.organization, r.features);
  }

  Result<void> note_broken(uint64_t count, std::vector<std::string> located) {
    if (strict_ && count > 0)
      return base::fail(ErrorCode::kInput,
                        fmt::format("{} (--strict stops at the first line that cannot be read)", located.front()));
    stats_.broken += count;
    for (std::string& where : located) {
      if (stats_.located.size() < report::ReadStats::kLocatedMax) stats_.located.push_back(std::move(where));
    }
    return {};
  }

  const std::vector<std::string>& paths_;
  const bool strict_;
  pipeline::Pipeline& pipeline_;
  Reorder<Record> reorder_;
  report::ReadStats stats_;
};

struct StopAtEnd {
  Belt& belt;
  ~StopAtEnd() { belt.stop(); }
};

}  // namespace

Result<report::ReadStats> scan(const std::vector<std::string>& paths, const Options& options,
                               pipeline::Pipeline& pipeline, const Progress& progress) {
  const unsigned workers = std::max(1u, options.threads);
  Sequencer sequencer(paths, options.strict, pipeline);
  Result<void> ok;
  {
    Belt belt(4 * workers);
    std::atomic<uint64_t> consumed = 0;
    std::vector<std::jthread> threads;
    const StopAtEnd stop{belt};  // before the threads are joined
    threads.emplace_back([&] { feed(paths, options, belt, consumed); });
    for (unsigned i = 0; i < workers; ++i) {
      threads.emplace_back([&] {
        Worker worker(paths, options);
        while (auto batch = belt.take()) belt.finish(batch->index, worker.run(*batch));
      });
    }
    while (auto parsed = belt.next()) {
      ok = sequencer.take(std::move(*parsed));
      if (!ok || (progress && !progress(consumed, sequencer.exchanges()))) break;
    }
  }
  if (!ok) return tl::unexpected(ok.error());
  return sequencer.finish();
}

}  // namespace stillwatch::scan
