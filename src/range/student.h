// A student that is trained on what was bought, and examined.
//
// Deterministic in its recipe, its rows and the number of threads. Thread rule: pure function of its arguments.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "distill/exam.h"
#include "training/curve.h"
#include "training/recipe.h"

namespace stillwatch::range {

struct Student {
  std::string name;         // "undefended"
  std::string description;  // a sentence
  uint64_t problems = 0;    // it was trained on
  uint64_t with_reasoning = 0;
  int64_t parameters = 0;
  uint64_t training_tokens = 0;
  double flop = 0;  // 6 for each parameter and token
  distill::Exam exam;
  training::Curve losses;
};

using Tell = std::function<void(const std::string&)>;  // how it goes, a line

// `rows` may be empty: then it is as it was born. Names and describes nothing.
base::Result<Student> raise(const training::Recipe& recipe, const model::Model& teacher,
                            std::span<const model::Conversation> rows, const std::vector<distill::Question>& test,
                            unsigned threads, const Tell& tell);

}  // namespace stillwatch::range
