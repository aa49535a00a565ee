// A student that is trained on what was bought, and examined.
//
// Deterministic in its recipe, its lessons and the number of threads. Thread rule: pure function of its arguments.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "distill/exam.h"
#include "distill/losses.h"
#include "training/curve.h"
#include "training/recipe.h"

namespace stillwatch::range {

// A row to learn from, and its answer's tokens where the teacher's log-probabilities are known: forward KL then, else
// the text's own tokens.
struct Lesson {
  model::Conversation conversation;
  std::vector<model::Choice> tokens;
};

struct Student {
  std::string name;         // "undefended"
  std::string description;  // a sentence
  uint64_t problems = 0;    // it was trained on
  uint64_t whole = 0;       // of these, with reasoning and log-probabilities
  int64_t parameters = 0;
  uint64_t training_tokens = 0;
  double flop = 0;  // 6 for each parameter and token
  distill::Exam exam;
  training::Curve losses;
};

using Tell = std::function<void(const std::string&)>;  // how it goes, a line

// What training took.
struct Taught {
  uint64_t tokens = 0;
  training::Curve losses;
};

// Trains a model by what is `known` of each example's tokens, by the tokens themselves where nothing is.
base::Result<Taught> teach(const training::Plan& plan, model::Model& model, std::span<const model::Example> examples,
                           const std::vector<distill::KnownTokens>& known, unsigned threads, const Tell& tell);

// The model after its lessons, and what these took in `student`, which it neither names nor examines. `lessons` may be
// empty: then it stays as it is.
base::Result<model::Model> raise(const training::Plan& plan, model::Model model, std::span<const Lesson> lessons,
                                 unsigned threads, const Tell& tell, Student& student);

// What students go on from, as those of large models do from an open one: a model with the teacher's tokens that learnt
// problems of one operation, with the generator's own solutions. No teacher answered them.
base::Result<model::Model> make_base(const training::Recipe& recipe, const model::Model& teacher, unsigned threads,
                                     const Tell& tell);

}  // namespace stillwatch::range
