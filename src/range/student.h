// A student that is trained on what was bought, and examined.
//
// Deterministic in its recipe, its rows and the number of threads. Thread rule: pure function of its arguments.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "model/folder.h"
#include "model/transformer.h"
#include "problems/problem.h"
#include "training/curve.h"
#include "training/recipe.h"

namespace stillwatch::range {

struct Score {
  uint64_t right = 0, asked = 0;
  double share() const { return asked > 0 ? static_cast<double>(right) / static_cast<double>(asked) : 0; }
};

struct Marks {
  Score all;
  std::array<Score, problems::kLevelMax> levels{};
};

// Greedy answers to the problems.
base::Result<Marks> examine(const model::Model& model, const model::Transformer& transformer,
                            std::span<const problems::Problem> test, unsigned threads);

struct Student {
  std::string name;         // "undefended"
  std::string description;  // a sentence
  uint64_t problems = 0;    // it was trained on
  uint64_t with_reasoning = 0;
  int64_t parameters = 0;
  uint64_t training_tokens = 0;
  double flop = 0;  // 6 for each parameter and token
  Marks marks;
  training::Curve losses;
};

using Tell = std::function<void(const std::string&)>;  // how it goes, a line

// `rows` may be empty: then it is as it was born. Names and describes nothing.
base::Result<Student> raise(const training::Recipe& recipe, const model::Model& teacher,
                            std::span<const model::Conversation> rows, std::span<const problems::Problem> test,
                            unsigned threads, const Tell& tell);

}  // namespace stillwatch::range
