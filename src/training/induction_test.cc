#include "training/induction.h"

#include <gmock/gmock.h>

#include <array>
#include <numeric>

#include "base/random.h"
#include "training/cpu_network.h"
#include "training/recipe.h"

namespace stillwatch::training {
namespace {

// Six of the names 20-59, a mark (60) and a number (0-19) after each; then the same in another order. Of the second
// time the numbers are scored.
std::vector<model::Example> look_ups(size_t n) {
  std::vector<model::Example> out(n);
  base::Random random(5);
  std::vector<int32_t> names(40);
  std::iota(names.begin(), names.end(), 20);
  for (model::Example& e : out) {
    random.shuffle(std::span(names));
    std::array<std::array<int32_t, 3>, 6> rows{};
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = {names[i], 60, static_cast<int32_t>(random.below(20))};
    for (const bool again : {false, true}) {
      for (const auto& row : rows) {
        e.tokens.insert(e.tokens.end(), row.begin(), row.end());
        for (size_t i = 0; i < 3; ++i) e.scored.push_back(again && i == 2);
      }
      random.shuffle(std::span<std::array<int32_t, 3>>(rows));
    }
  }
  return out;
}

// The loss on what was not trained on.
double loss_after(uint64_t steps, bool induction) {
  const Recipe recipe = *Recipe::parse("model: {dim: 96, layers: 3, heads: 4, kv_heads: 2, ffn_dim: 96}", "");
  model::Config c = recipe.shape;
  c.vocab_size = 61;
  model::Weights weights = initial_weights(c, 1);
  if (induction) lay_out_induction(c, 1, kInitialDeviation, weights);
  Plan plan;
  plan.steps = steps;
  plan.step_tokens = plan.batch_tokens = 1024;
  plan.rate = 1e-3;
  plan.warmup = 10;
  const std::vector<model::Example> all = look_ups(4000);
  const auto examples = std::span(all).subspan(500);
  CrossEntropy loss;
  Trainer trainer = *Trainer::start(plan, *make_cpu_network(c, std::move(weights), 1), examples, loss);
  while (!trainer.done()) EXPECT_TRUE(trainer.step());
  return *trainer.validate(std::span(all).first(500), loss);
}

TEST(Induction, LookingUpIsLearntWhereRandomWeightsDoNotLearnIt) {
  constexpr uint64_t kSteps = 150;
  const double random = loss_after(kSteps, false), laid_out = loss_after(kSteps, true);
  EXPECT_GT(random, 1.6);  // one of six is log 6 = 1.8
  EXPECT_LT(laid_out, 0.3);
}

TEST(Induction, ARecipeWithoutRoomForItIsRefused) {
  const auto error = [](const char* yaml) { return Recipe::parse(yaml, "r.yaml").error().message; };
  EXPECT_THAT(error("model: {layers: 2, induction: true}"), testing::HasSubstr("three layers"));
  EXPECT_THAT(error("model: {dim: 24, heads: 4, head_dim: 6, induction: true}"), testing::HasSubstr("multiple of 4"));
  EXPECT_THAT(error("model: {dim: 32, heads: 4, head_dim: 16, induction: true}"), testing::HasSubstr("dim of 48"));
  EXPECT_TRUE(Recipe::parse("model: {induction: true}", "r.yaml")->induction);
}

}  // namespace
}  // namespace stillwatch::training
