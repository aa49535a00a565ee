// Small models that know something, made in a moment. For tests.
#pragma once

#include <fmt/format.h>

#include "training/cpu_network.h"
#include "training/fresh_model.h"

namespace stillwatch::distill::test {

// "3+4?" with the reasoning "3+4=7" and the answer "7".
inline std::vector<model::Conversation> sums(int n) {
  std::vector<model::Conversation> rows;
  for (int i = 0; i < n; ++i) {
    const int a = 1 + i % 5, b = 2 + i / 5;
    rows.push_back({{model::Role::kUser, fmt::format("{}+{}?", a, b), ""},
                    {model::Role::kAssistant, fmt::format("{}", a + b), fmt::format("{}+{}={}", a, b, a + b)}});
  }
  return rows;
}

inline training::Recipe small_recipe(uint64_t seed = 1) {
  training::Recipe r;
  r.vocabulary = 261;
  r.shape.dim = 32;
  r.shape.layers = 1;
  r.shape.heads = r.shape.kv_heads = 2;
  r.shape.head_dim = 16;
  r.shape.ffn_dim = 32;
  r.shape.context = 64;
  r.plan.steps = 300;
  r.plan.step_tokens = 96;
  r.plan.rate = 1e-2;
  r.plan.warmup = 5;
  r.plan.seed = seed;
  return r;
}

inline std::vector<model::Example> examples_of(const std::vector<model::Conversation>& rows, const model::Model& m) {
  return model::examples_of(rows, *m.marks, m.tokenizer);
}

// A model that was taught these conversations until it knows them by heart.
inline model::Model fitted(const std::vector<model::Conversation>& rows, uint64_t seed = 1) {
  const training::Recipe recipe = small_recipe(seed);
  model::Model m =
      training::fresh_model(recipe, training::fit_tokenizer(rows, recipe.vocabulary), model::ChatTemplate::own());
  const auto examples = examples_of(rows, m);
  training::CrossEntropy loss;
  auto trainer =
      *training::Trainer::start(recipe.plan, *training::make_cpu_network(m.config, m.weights, 1), examples, loss);
  while (!trainer.done()) trainer.step().value();
  m.weights = trainer.network().weights();
  return m;
}

}  // namespace stillwatch::distill::test
