// The ladder of countermeasures: what each costs the student that learns from such answers, what it costs honest users,
// and whether attribution proves it; alone, and the example policy of docs/policy.md whole.
//
// A teacher answers word problems, served in each way (serving.h). An operator watches one account that asks for them
// (operator.h), which says when it would have acted. Students that go on from one base by one plan learn from what they
// would have got: passive ones, and ones that reword, that drop what is wrong, that mix in clean data, and that ask
// through several accounts. Each is examined on problems whose structures no training problem has; what it answers to
// further problems is tested for the marks.
//
// Thread rule: one thread calls; `threads` compute.
#pragma once

#include "range/ledger.h"
#include "range/range.h"
#include "range/serving.h"

namespace stillwatch::range {

struct LadderSettings {
  Settings range;
  bool core = false;                     // only the arms that every seed has
  int level_min = 2, level_max = 3;      // problems that need steps
  uint64_t said = 1000;                  // answers of a student that are tested for marks
  uint64_t accounts = 8;                 // of the harvester that has several
  uint64_t refused_after = 2000;         // exchanges, by the policy
  double strength = 0.3;                 // of antidistillation, where students learn from it
  std::function<double()> seconds = {};  // a clock, for what honest users wait; without one that is not measured
};

// Working in the generator's own terms, said another way: "Tom 3*5=15. Ann 15*2=30." becomes "3*5=15 Tom. 15*2=30 Ann."
// Other text stays.
std::string reworded(std::string_view reasoning);

// `base`: what students go on from (student.h). Trials: `ladder/SEED/NAME`. The result: docs/range.md.
base::Result<Json> run_ladder(const LadderSettings& settings, const Inputs& inputs, const model::Model& base,
                              Ledger& ledger, const Tell& tell);

}  // namespace stillwatch::range
