// Word problems with worked solutions: arithmetic in several steps, comparison, rates, units, tables. Made for models
// small enough to be trained in an hour on two cores: some hundred words, sentences of few shapes, whole numbers from
// 1 to 99, and working in which every step is within such a model's reach:
//
//   Tom has 3 boxes of 5 apples. Ann has 2 times as many apples as Tom. Ann sells all apples for 3 coins each.
//   How many coins does Ann have?
//   Tom 3*5=15. Ann 15*2=30. Ann 30*3=90.
//   90
//
// docs/problems.md has every part, its wording and the working. Everything is ASCII.
//
// Invariants: a seed and a split give the same problems on every machine; the answer is the last number of the
// reasoning, a whole number from 1 to kNumberMax; the same for every number before it. Thread rule: a value; one
// thread at a time.
#pragma once

#include <cstdint>
#include <string>

#include "base/random.h"
#include "problems/structure.h"

namespace stillwatch::problems {

constexpr int kNumberMax = 99;

struct Problem {
  std::string question;
  std::string reasoning;
  std::string answer;
  std::string structure;  // name_of(Structure)
  int level = 0;          // operations
};

class Generator {
 public:
  // Levels from `level_min` to `level_max`, each as often. REQUIRES: 1 <= level_min <= level_max <= kLevelMax.
  Generator(uint64_t seed, Split split, int level_min = 1, int level_max = kLevelMax);

  // Endless; the same problem may come again, very seldom where levels are high.
  Problem next();

 private:
  base::Random random_;
  Split split_;
  int level_min_, level_max_;
};

// A row of a dataset (docs/problems.md), with its newline.
std::string to_row(const Problem& problem);

}  // namespace stillwatch::problems
