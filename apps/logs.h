// What scan, calibrate and policy share: naming logs and their format, labels, threads, and running them through a
// pipeline.
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
  unsigned threads = 0;  // 0: as many as there are cores
  bool strict = false;
  bool quiet = false;

  void add_to(CLI::App& command);

  unsigned cores() const;
  base::Result<verdict::Labels> read_labels() const;
  // With a budget of false alarms of 10,000 accounts; campaigns are sought by what is known of honest groups.
  pipeline::Options options(double false_alarms, std::shared_ptr<const campaigns::Reference> honest_groups = {}) const;
  base::Result<report::ReadStats> run(pipeline::Pipeline& pipeline) const;
};

// Prints what could not be read, and gives the exit status for it.
int complain_of_reading(const report::ReadStats& stats);

// What accounts and campaigns are judged by.
struct Yardsticks {
  std::shared_ptr<const signals::Baseline> baseline;      // null: the traffic itself
  std::shared_ptr<const campaigns::Reference> campaigns;  // what it says of honest groups; null if it says nothing
};

// Of a file, or `reference` for the shipped one; neither for "".
base::Result<Yardsticks> read_baseline(const std::string& path);

constexpr const char* kLabelsFile = "stillwatch-labels.jsonl";

}  // namespace stillwatch::apps
