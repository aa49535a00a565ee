// The smallest student there is: a model of word triples, backed off to pairs and single words, that learns texts by
// counting and writes new ones. No stand-in for a neural student's power; enough to see what dilution does to a mark,
// and that a student that never met the key is left alone.
#pragma once

#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "watermark/units.h"

namespace stillwatch::bench {

class Student {
 public:
  void learn(const std::vector<watermark::Unit>& text);
  std::vector<watermark::Unit> write(size_t words_max, base::Random& random) const;

 private:
  struct Followers {
    std::vector<std::pair<watermark::Unit, uint32_t>> counts;
    uint64_t total = 0;
    void add(watermark::Unit unit);
    watermark::Unit draw(base::Random& random) const;
  };
  std::unordered_map<uint64_t, Followers> after_;  // by the hash of a context of 0, 1 or 2 words
};

}  // namespace stillwatch::bench
