// Who is in a simulated world: honest accounts of every class, honest ones that belong together and look it, and
// hydras.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "campaigns/campaigns.h"
#include "population/simulation.h"

namespace stillwatch::bench {

struct Settings {
  std::vector<std::string> prompts;
  std::string timing;
  std::string source = "fireact*";
  std::vector<uint32_t> sizes = {1000};
  std::string strategy = "cover: 0.5, answer_length: people";  // of hydras, as a population's groups have it
  double days = 2;
  double exchanges_a_day = 26;
  uint64_t seed = 1;
  uint32_t people = 1500;
  uint32_t others = 60;
  uint32_t lookalikes = 100;
  bool known_lookalikes = false;  // the baseline has seen such
  uint64_t seeds = 1;
  std::vector<double> looks;
  uint32_t scale = 1;
  size_t linked_max = campaigns::LinkOptions{}.linked_max;
  unsigned threads = 1;
  bool groups = false;
  bool ablate = false;
  std::string out;
  std::vector<std::string> without;
  std::string weights;  // a file; the shipped ones if it is empty
};

[[noreturn]] void give_up(const base::Error& error);

// Honest accounts of every class. `part`: which of three disjoint parts of every honest source they ask from.
std::vector<population::Group> benign_groups(const Settings& s, uint32_t part);
// Honest accounts that belong together, and look it.
std::vector<population::Group> lookalikes(const Settings& s, uint32_t part);
std::string hydra_name(uint32_t size);
population::Group hydra(const Settings& s, uint32_t size, uint32_t part);

struct World {
  campaigns::Accounts accounts;
  std::vector<std::string> groups;  // of each account
  std::vector<std::shared_ptr<const profile::Summary>> summaries;
  std::map<std::string, uint64_t> exchanges;  // of each group
};

// Calls `look` with the world as it is after each of `hours`, in their order.
void observe(std::vector<population::Group> groups, const Settings& s, uint64_t seed,
             const population::Prompts& prompts, const population::Timing& timing, const std::vector<double>& hours,
             const std::function<void(double, World&)>& look);

}  // namespace stillwatch::bench
