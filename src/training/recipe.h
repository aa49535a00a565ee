// What to train and how, in one YAML file (docs/model.md has every key): the model's shape, the size of its vocabulary,
// the plan. Thread rule: a value.
#pragma once

#include "training/trainer.h"

namespace stillwatch::training {

struct Recipe {
  model::Config shape;                   // all but vocab_size, which the tokenizer decides
  double deviation = kInitialDeviation;  // of random weights
  bool induction = false;                // heads that look things up are laid out among them (induction.h)
  int64_t vocabulary = 512;              // tokens at most
  Plan plan;

  static base::Result<Recipe> parse(std::string_view yaml, std::string_view file);
};

}  // namespace stillwatch::training
