// Log files through the pipeline: `serve` with a file for a socket and the log's time for a clock.
//
// One thread reads and cuts lines (feeder.h), `threads` threads parse and extract features, the calling thread puts
// records back into the order of the lines, then of time (reorder.h), and feeds the pipeline. The result does not
// depend on the number of threads. Files that overlap in time, such as those of several gateways, are merged.
//
// Broken lines, and exchanges whose clock is plainly wrong, are counted, the first of them located, and never fatal
// unless `strict`. Bounds: a few MiB of lines a thread, one line of up to base::kLineBytesMax a file, the reorder
// window.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "dialect/log_format.h"
#include "pipeline/pipeline.h"
#include "report/read_stats.h"

namespace stillwatch::scan {

struct Options {
  std::optional<dialect::LogFormat> format;  // nullopt: detect for every file
  std::shared_ptr<const dialect::FieldMap> map;
  std::shared_ptr<const dialect::IdentityIndex> identities;
  unsigned threads = 1;
  bool strict = false;  // the first broken line is an error
};

// Called now and then from the calling thread: compressed bytes and exchanges so far. Returning false stops the scan in
// good order.
using Progress = std::function<bool(uint64_t bytes, uint64_t exchanges)>;

// Reads all it can; an error for a file (missing, cut off) is recorded in the stats and the rest goes on, unless
// strict.
base::Result<report::ReadStats> scan(const std::vector<std::string>& paths, const Options& options,
                                     pipeline::Pipeline& pipeline, const Progress& progress);

}  // namespace stillwatch::scan
