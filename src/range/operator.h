// The operator's side of the range: simulated traffic through the pipeline that `scan` and `serve` run, by the clock of
// the simulation.
//
// One simulated account distils (population's class `harvest`); of what it asks, a share is replaced by what the range
// bought from its teacher, word problems and their answers. The rest stays what such an account asks: a model has more
// to be taken than what can be examined here.
//
// Thread rule: one thread. Memory: the accounts' profiles.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/sampler.h"
#include "pipeline/pipeline.h"
#include "population/config.h"
#include "population/prompts.h"

namespace stillwatch::range {

// What was asked of the teacher and what it answered.
struct Bought {
  std::string question;
  std::string reasoning, answer;
  std::vector<model::Choice> tokens{};  // of the answer, with the teacher's log-probabilities
  size_t prompt_tokens = 0;

  size_t output_tokens() const { return tokens.size(); }
};

// What the operator saw of the account that distils; others are counted.
struct Seen {
  pipeline::AccountFinding harvester;
  std::vector<uint64_t> bought_at;  // the how-manieth exchange of that account each of `bought` was, from 1
  uint64_t honest_accounts = 0, honest_judged = 0, honest_flagged = 0;
  uint64_t honest_exchanges = 0;
  struct Class {
    uint64_t accounts = 0, flagged = 0;
  };
  std::map<std::string, Class> honest_classes;  // by the population's name of the class
};

// Honest traffic to a calibrated baseline.
base::Result<std::shared_ptr<const signals::Baseline>> learn_honest(const population::Config& config,
                                                                    const population::Prompts& prompts);

// REQUIRES: 0 < share <= 1. Fails unless exactly one account of `config` distils, never replaced. Stops replacing when
// all of `bought` is asked, or the account has asked all that it does.
base::Result<Seen> watch(const population::Config& config, const population::Prompts& prompts,
                         std::shared_ptr<const signals::Baseline> baseline, std::span<const Bought> bought,
                         double share);

}  // namespace stillwatch::range
