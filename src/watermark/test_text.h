// Text for tests: a small language of its own, in which words follow each other with habits, so that phrases recur
// within and between texts as they do in real ones.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "watermark/units.h"

namespace stillwatch::watermark {

class TestLanguage {
 public:
  // `novelty`: how often any of its words may follow.
  explicit TestLanguage(uint64_t seed, double novelty = 0.25, uint64_t words = 2000)
      : seed_(seed), novelty_(novelty), words_(words) {}

  // `topic` decides how texts begin: those of one topic are alike.
  std::vector<Unit> units(size_t length, base::Random& random, uint64_t topic = 0) const {
    std::vector<Unit> out;
    uint64_t before = base::combine(seed_, topic);
    for (size_t i = 0; i < length; ++i) {
      out.push_back(next(before, random));
      before = out.back();
    }
    return out;
  }
  std::string text(size_t length, base::Random& random, uint64_t topic = 0) const {
    std::string out;
    for (const Unit unit : units(length, random, topic)) out += (out.empty() ? "w" : " w") + std::to_string(unit);
    return out;
  }

 private:
  // Of four habitual followers the first is likeliest; now and then any word follows.
  Unit next(uint64_t before, base::Random& random) const {
    if (random.chance(novelty_)) return static_cast<Unit>(std::pow(static_cast<double>(words_), random.uniform()));
    const uint64_t habit = random.below(1 + random.below(4));
    return base::combine(base::combine(before, habit), seed_) % words_;
  }
  uint64_t seed_;
  double novelty_;
  uint64_t words_;
};

}  // namespace stillwatch::watermark
