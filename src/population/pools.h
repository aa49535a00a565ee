// Sets of conversations that accounts draw from, always without replacement inside an account: a Deck visits every
// conversation of a pool once, in an order of its own, holding two numbers instead of a shuffled copy.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "base/random.h"
#include "population/config.h"
#include "population/prompts.h"

namespace stillwatch::population {

using Cards = std::vector<const Conversation*>;

class Deck {
 public:
  Deck() = default;
  Deck(const Cards& cards, base::Random& random) : cards_(&cards) {
    const uint64_t n = cards.size();
    if (n == 0) return;
    offset_ = random.below(n);
    do {
      step_ = 1 + random.below(n);
    } while (std::gcd(step_, n) != 1);
  }

  // The card at a place of the deck's order; null past the end.
  const Conversation* at(uint64_t place) const {
    if (cards_ == nullptr || place >= cards_->size()) return nullptr;
    return (*cards_)[(offset_ + step_ * place) % cards_->size()];
  }
  const Conversation* next() { return at(place_++); }
  const Cards* cards() const { return cards_; }

 private:
  const Cards* cards_ = nullptr;
  uint64_t offset_ = 0;
  uint64_t step_ = 1;
  uint64_t place_ = 0;
};

// The conversations of some sources and one part of them, by topic and by group (template, task, intent) as well.
struct Pool {
  Cards all;
  std::array<Cards, kTopics> by_topic;
  std::vector<Cards> by_group;  // none is empty
  std::vector<std::string> group_source;
  std::vector<std::string> sources;  // that have any
  double user_turns = 0;             // of a conversation, in the mean
};

class Pools {
 public:
  // `split` says which division into parts is meant.
  Pools(const Prompts& prompts, uint64_t split) : prompts_(prompts), split_(split) {}
  const Pool& get(const std::vector<std::string>& globs, uint32_t part, uint32_t part_of);

 private:
  const Prompts& prompts_;
  uint64_t split_;
  std::map<std::string, std::unique_ptr<Pool>> pools_;
};

}  // namespace stillwatch::population
