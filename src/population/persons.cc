#include "population/persons.h"

namespace stillwatch::population {

Persons::Persons(const Pool& pool, uint32_t count, double persistence, base::Random& random)
    : pool_(&pool), persistence_(persistence) {
  for (uint32_t i = 0; i < count; ++i) mains_.push_back(any_topic(random));
}

Deck& Persons::deck(uint16_t topic, base::Random& random) {
  for (auto& [known, deck] : decks_) {
    if (known == topic) return deck;
  }
  return decks_.emplace_back(topic, Deck(pool_->by_topic[topic], random)).second;
}

const Conversation* Persons::next(base::Random& random) {
  constexpr int kTries = 12;  // topics run dry; a person who finds nothing new in so many tries has nothing to ask
  uint16_t& main = mains_[random.below(mains_.size())];
  for (int i = 0; i < kTries; ++i) {
    const uint16_t topic = random.chance(persistence_) ? main : any_topic(random);
    if (const Conversation* c = deck(topic, random).next()) return c;
    if (topic == main) main = any_topic(random);  // a new interest
  }
  return nullptr;
}

}  // namespace stillwatch::population
