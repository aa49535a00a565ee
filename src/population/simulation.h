// Simulates an operator's traffic: a stream of log lines in the native format, in order of time, and the truth about
// every account. Reproducible from Config::seed. Benign and hostile accounts draw prompts by the same Decks, write with
// the same writer and take clients, networks and parameters from the same lists, so that what tells them apart is what
// they ask and when, not how they were made.
//
// Memory: the prompts, and about 3 KiB an account (a coding agent: its history). Thread rule: one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "population/config.h"
#include "population/prompts.h"
#include "population/timing.h"

namespace stillwatch::population {

struct Truth {
  std::string account;
  bool hostile = false;
  std::string_view kind;  // class
  std::string family;     // names of the sources drawn from
  std::string group;      // Group::name
  std::string campaign;   // empty if benign
  uint64_t exchanges = 0;
  double cover = 0;
};

// One JSON object with its newline: account, label, class, family, group, campaign, exchanges, cover.
std::string to_json(const Truth& truth);

class Simulation {
 public:
  // Fails if a group's sources match nothing. `prompts` must outlive the simulation.
  static base::Result<Simulation> start(Config config, const Prompts& prompts, Timing timing);
  Simulation(Simulation&&) noexcept;
  ~Simulation();

  // The next line with its newline; false at the end.
  bool next(std::string& line);

  // Accounts that have sent anything so far.
  const std::vector<Truth>& truths() const;

  // Of those that have nothing left to ask although more was planned: their sources are too small for so many
  // exchanges or, in a campaign, for so many shards.
  size_t ran_dry() const;

 private:
  struct State;
  explicit Simulation(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace stillwatch::population
