// What a student's accuracy comes to as more is harvested, by what the interface gives: answers alone, with reasoning,
// with log-probabilities; beside the same problems with the generator's own solutions.
//
// The problems, the teacher's answers and the test are those of the ladder (ladder.h), as far as both reach; students
// take as many steps whatever they have. Thread rule: one thread calls; `threads` compute.
#pragma once

#include "range/ladder.h"

namespace stillwatch::range {

struct CurveSettings {
  uint64_t seed = 1;
  std::vector<uint64_t> exchanges{100, 300, 1000, 3000, 10'000};
  int level_min = 2, level_max = 3;
  uint64_t test_problems = 500;
  unsigned threads = 1;
};

// Trials: `curve/SEED/INTERFACE/EXCHANGES`. The result: docs/range.md.
base::Result<Json> run_curve(const CurveSettings& settings, const Inputs& inputs, const model::Model& base,
                             Ledger& ledger, const Tell& tell);

}  // namespace stillwatch::range
