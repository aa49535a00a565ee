// The operator's side of the range: honest traffic, simulated, with one harvest in it, through the pipeline that `scan`
// and `serve` run, by the clock of the simulation.
//
// Thread rule: one thread. Memory: the honest accounts' profiles and the harvest.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "pipeline/pipeline.h"
#include "population/config.h"
#include "population/prompts.h"

namespace stillwatch::range {

// An exchange of the harvest: what was asked and what the teacher answered.
struct Bought {
  std::string question;
  std::string reasoning, answer;
  size_t prompt_tokens = 0, output_tokens = 0;
};

// When the harvester asks: spread over `days` from the beginning of day `first_day`, at moments that are drawn.
struct Schedule {
  double first_day = 2;
  double days = 3;
  uint64_t seed = 1;
};

// What the operator saw. `harvester` is its finding, others are counted.
struct Seen {
  pipeline::AccountFinding harvester;
  uint64_t honest_accounts = 0, honest_judged = 0, honest_flagged = 0;
  uint64_t honest_exchanges = 0;
  std::string baseline;
};

constexpr std::string_view kHarvester = "harvester";

// Honest traffic to a calibrated baseline.
base::Result<std::shared_ptr<const signals::Baseline>> learn_honest(const population::Config& config,
                                                                    const population::Prompts& prompts);

// Other honest traffic with the harvest in it, in order of time. REQUIRES: bought is not empty.
base::Result<Seen> watch(const population::Config& config, const population::Prompts& prompts,
                         std::shared_ptr<const signals::Baseline> baseline, std::span<const Bought> bought,
                         const Schedule& schedule);

}  // namespace stillwatch::range
