// Simulated accounts, looked at the way the pipeline looks, with the truth about each.
#pragma once

#include <string>
#include <vector>

#include "pipeline/watch.h"
#include "population/simulation.h"

namespace stillwatch::bench {

struct Observed {
  population::Truth truth;
  std::vector<pipeline::Seen> seen;
};

// Every exchange of the population goes through parser, features and profile.
base::Result<std::vector<Observed>> observe(const population::Config& config, const population::Prompts& prompts,
                                            const population::Timing& timing);

}  // namespace stillwatch::bench
