// The persons behind an account: each has a main topic and wanders from it as often as real users of several
// conversations do (Prompts::persistence); together they never ask the same conversation twice.
//
// Thread rule: one thread.
#pragma once

#include <utility>
#include <vector>

#include "base/random.h"
#include "population/pools.h"

namespace stillwatch::population {

class Persons {
 public:
  // With no persistence everybody asks anything, as the customers of a reseller do.
  Persons(const Pool& pool, uint32_t count, double persistence, base::Random& random);

  // A conversation of whoever comes next; null when they have asked all they had to ask.
  const Conversation* next(base::Random& random);

 private:
  uint16_t any_topic(base::Random& random) const { return pool_->all[random.below(pool_->all.size())]->topic; }
  Deck& deck(uint16_t topic, base::Random& random);

  const Pool* pool_;
  double persistence_;
  std::vector<uint16_t> mains_;
  std::vector<std::pair<uint16_t, Deck>> decks_;
};

}  // namespace stillwatch::population
