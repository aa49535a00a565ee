// What scan and calibrate share: naming logs and their format, labels, threads, and running them through a pipeline.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
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

// Prints what could not be read, and gives the exit status for it.
int complain_of_reading(const report::ReadStats& stats);

// A file, or `reference` for the shipped one; null for "".
base::Result<std::shared_ptr<const signals::Baseline>> read_baseline(const std::string& path);

// What a baseline file says of honest groups; null if it says nothing.
base::Result<std::shared_ptr<const campaigns::Reference>> read_campaign_reference(const std::string& path);

constexpr const char* kLabelsFile = "stillwatch-labels.jsonl";

}  // namespace stillwatch::apps
