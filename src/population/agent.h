// A coding agent at work in one repository: a person sets a task, the agent calls tools, reads their results, and says
// when it is done; the whole history is sent again every time. The repository's names are its own, so that two agents
// share no vocabulary.
//
// Bounds: kAgentTurnsMax turns, the oldest go first (as agents compact their context). Thread rule: one thread.
#pragma once

#include <array>
#include <deque>
#include <string>

#include "base/random.h"
#include "population/request.h"
#include "population/timing.h"

namespace stillwatch::population {

constexpr size_t kAgentTurnsMax = 40;
constexpr double kAgentSession = 18.5;  // requests, in the mean

class Agent {
 public:
  explicit Agent(base::Random& random);

  // Fills all but the origin of the request; its texts stay valid until the next call.
  void next(const Timing& timing, base::Random& random, Request& request);

 private:
  struct Turn {
    Speaker who;
    std::string text;
    std::string_view tool;
  };
  const std::string& name(base::Random& random) const { return names_[random.below(names_.size())]; }
  std::string task(base::Random& random) const;
  std::string file(base::Random& random) const;
  std::string test_run(base::Random& random) const;
  void forget_oldest();

  std::array<std::string, 24> names_;
  std::string system_;
  std::deque<Turn> history_;  // its last turn is the agent's answer
  uint32_t left_ = 0;         // requests left of this session
};

}  // namespace stillwatch::population
