// A subject as one baseline judges it: its looks, and what the strongest of them showed. All that a ranking needs, at a
// fraction of what a profile takes, so that it stays when the profile leaves memory. Private to the module.
//
// Thread rule: a value. Bounds: what its looks take, 32 bytes each.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "pipeline/findings.h"
#include "pipeline/watch.h"

namespace stillwatch::pipeline {

struct Judged {
  std::vector<Look> looks;                        // in order of time
  std::unique_ptr<signals::Judgement> strongest;  // null before the first look
  std::optional<uint32_t> flagged;                // the first look beyond the budget
  uint32_t by = 0;                                // which of the pipeline's baselines it was

  void add(const Seen& seen, const signals::Baseline& baseline, double threshold);
};

// What of a profile a table shows: counts and exposure.
struct Tally {
  uint64_t exchanges = 0;
  uint64_t failed = 0;
  base::Time first{};
  base::Time last{};
  verdict::Exposure exposure;

  static Tally of(const profile::Profile& profile);
};

}  // namespace stillwatch::pipeline
