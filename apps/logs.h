// What scan and calibrate share: naming logs and their format, labels, threads, and running them through a pipeline.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "pipeline/pipeline.h"
#include "report/read_stats.h"

namespace stillwatch::apps {

struct LogArguments {
  std::vector<std::string> paths;
  std::string format = "auto";
  std::string join;
  std::string labels;
  unsigned threads = 0;  // 0: all cores
  bool strict = false;
  bool quiet = false;

  void add_to(CLI::App& command);

  base::Result<verdict::Labels> read_labels() const;
  base::Result<report::ReadStats> run(pipeline::Pipeline& pipeline) const;
};

constexpr const char* kLabelsFile = "stillwatch-labels.jsonl";

}  // namespace stillwatch::apps
