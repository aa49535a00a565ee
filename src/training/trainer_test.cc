#include "training/trainer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "model/test_reference.h"
#include "training/cpu_network.h"
#include "training/curve.h"
#include "training/recipe.h"

namespace stillwatch::training {
namespace {

using testing::HasSubstr;

// Sequences that count upwards: there is something to learn.
std::vector<model::Example> counting(const model::Config& c, size_t n) {
  std::vector<model::Example> out(n);
  base::Random random(3);
  for (model::Example& e : out) {
    auto at = static_cast<int32_t>(random.below(static_cast<uint64_t>(c.vocab_size)));
    for (uint64_t length = 4 + random.below(20); length > 0; --length) {
      e.tokens.push_back(at);
      e.scored.push_back(e.tokens.size() > 2);
      at = static_cast<int32_t>((at + 1) % c.vocab_size);
    }
  }
  return out;
}

Plan plan() {
  Plan p;
  p.steps = 12;
  p.step_tokens = 120;
  p.batch_tokens = 50;
  p.rate = 1e-2;
  p.warmup = 3;
  p.seed = 5;
  return p;
}

struct Setting {
  model::Config config = model::tiny_config(true, false);
  std::vector<model::Example> examples = counting(config, 40);
  CrossEntropy loss;
  Trainer start(Plan p, unsigned threads = 2) {
    return *Trainer::start(p, *make_cpu_network(config, initial_weights(config, 1), threads), examples, loss);
  }
};

std::string state_of(const Trainer& t) {
  std::string bytes;
  t.save_state([&](std::string_view s) { bytes += s; });
  return bytes;
}

TEST(Trainer, Learns) {
  Setting s;
  Plan p = plan();
  p.steps = 150;
  Trainer t = s.start(p);
  const double before = *t.validate(s.examples, s.loss);
  while (!t.done()) ASSERT_TRUE(t.step());
  EXPECT_GT(before, 3);  // log 23
  EXPECT_LT(*t.validate(s.examples, s.loss), 0.2);
}

TEST(Trainer, GoesOnBitForBit) {
  Setting s;
  Trainer whole = s.start(plan()), begun = s.start(plan());
  while (!whole.done()) ASSERT_TRUE(whole.step());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(begun.step());
  const std::string saved = state_of(begun);
  Trainer again = s.start(plan());
  ASSERT_TRUE(again.load_state(saved, "state"));
  EXPECT_EQ(again.steps_done(), 5U);
  while (!again.done()) ASSERT_TRUE(again.step());
  EXPECT_EQ(state_of(again), state_of(whole));
}

TEST(Trainer, HowAStepIsCutChangesOnlyRounding) {
  Setting s;
  Plan one = plan(), many = plan();
  one.batch_tokens = 1000;
  many.batch_tokens = 1;  // an example each
  Trainer a = s.start(one), b = s.start(many);
  for (int i = 0; i < 4; ++i) {
    const auto x = a.step(), y = b.step();
    ASSERT_TRUE(x && y);
    EXPECT_NEAR(x->loss, y->loss, 1e-5);
    EXPECT_NEAR(x->gradient_norm, y->gradient_norm, 1e-4);
    EXPECT_EQ(x->scored, y->scored);
  }
}

TEST(Trainer, RatesRiseAndFall) {
  Plan p;
  p.steps = 101, p.warmup = 10, p.rate = 1, p.rate_end = 0.1;
  EXPECT_DOUBLE_EQ(p.rate_at(0), 0.1);
  EXPECT_DOUBLE_EQ(p.rate_at(9), 1);
  EXPECT_DOUBLE_EQ(p.rate_at(10), 1);
  EXPECT_NEAR(p.rate_at(55), 0.55, 1e-9);
  EXPECT_NEAR(p.rate_at(100), 0.1, 1e-12);
}

TEST(Trainer, RefusesAStateThatIsNotIts) {
  Setting s;
  Trainer t = s.start(plan());
  ASSERT_TRUE(t.step());
  const std::string saved = state_of(t);
  Plan other = plan();
  other.rate *= 2;
  EXPECT_THAT(s.start(other).load_state(saved, "state").error().message, HasSubstr("other data or another plan"));
  EXPECT_THAT(s.start(plan()).load_state(saved.substr(0, saved.size() - 7), "state").error().message,
              HasSubstr("cut off"));
  EXPECT_FALSE(s.start(plan()).load_state("nonsense", "state"));
}

// A loss whose gradient is no number.
class Broken final : public Loss {
 public:
  float row(const Batch&, size_t, std::span<float> logits) const override {
    logits[0] = std::numeric_limits<float>::quiet_NaN();
    return 1;
  }
};

TEST(Trainer, ANumberThatIsNoneStopsBeforeTheWeights) {
  Setting s;
  Broken broken;
  auto t = Trainer::start(plan(), *make_cpu_network(s.config, initial_weights(s.config, 1), 1), s.examples, broken);
  ASSERT_TRUE(t);
  const auto step = t->step();
  ASSERT_FALSE(step);
  EXPECT_THAT(step.error().message, HasSubstr("no number any more at step 1"));
  EXPECT_EQ(t->network().weights().begin()->second.values, initial_weights(s.config, 1).begin()->second.values);
}

TEST(Trainer, RefusesDataOfAnotherVocabulary) {
  Setting s;
  s.examples[3].tokens[1] = 99;
  const auto t =
      Trainer::start(plan(), *make_cpu_network(s.config, initial_weights(s.config, 1), 1), s.examples, s.loss);
  ASSERT_FALSE(t);
  EXPECT_THAT(t.error().message, HasSubstr("row 4 of the data holds token 99"));
  const std::vector<model::Example> nothing(3);
  EXPECT_FALSE(Trainer::start(plan(), *make_cpu_network(s.config, initial_weights(s.config, 1), 1), nothing, s.loss));
}

TEST(Batch, ScoresWhatIsWithinTheContext) {
  model::Example e{{1, 2, 3, 4, 5}, {false, false, true, true, true}};
  Batch b;
  b.add(e, 7, 3);
  EXPECT_EQ(b.tokens, (std::vector<int32_t>{1, 2, 3}));
  ASSERT_EQ(b.scored.size(), 2U);
  EXPECT_EQ(b.scored[1].position, 2U);
  EXPECT_EQ(b.scored[1].target, 4);
  EXPECT_EQ(b.scored[1].offset, 3U);
  EXPECT_EQ(b.rows, (std::vector<uint64_t>{7}));
}

TEST(CrossEntropy, IsTheSlowTwins) {
  Batch b;
  b.scored = {{0, 2, 0, 1}};
  std::vector<float> logits{0.5F, -1, 2, 0.25F};
  double total = 0;
  for (const float l : logits) total += std::exp(static_cast<double>(l));
  const std::vector<float> before = logits;
  EXPECT_NEAR(CrossEntropy().row(b, 0, logits), std::log(total) - 2, 1e-6);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(logits[i], std::exp(before[i]) / total - (i == 2 ? 1 : 0), 1e-6);
  std::vector<float> copy = before;
  EXPECT_NEAR(log_softmax(copy), std::log(total), 1e-6);
  EXPECT_NEAR(copy[1], -1 - std::log(total), 1e-6);
}

TEST(Recipe, ReadsShapeAndPlan) {
  const auto r = Recipe::parse(
      "vocabulary: 600\nmodel: {dim: 64, layers: 2, heads: 4, kv_heads: 2, ffn_dim: 128, context: 99, tied: false,\n"
      "        deviation: 0.05}\n"
      "training: {steps: 7, rate: 0.5, seed: 9}\n",
      "r.yaml");
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->shape.head_dim, 16);
  EXPECT_FALSE(r->shape.tied);
  EXPECT_EQ(r->deviation, 0.05);
  EXPECT_EQ(r->plan.steps, 7U);
  EXPECT_EQ(r->plan.seed, 9U);
  EXPECT_THAT(Recipe::parse("model: {heads: 3, kv_heads: 2}", "r.yaml").error().message, HasSubstr("no multiple"));
  EXPECT_THAT(Recipe::parse("training: {stepz: 3}", "r.yaml").error().message, HasSubstr("r.yaml:1:12: `stepz`"));
}

TEST(Curve, DrawsAPictureOfAnyLength) {
  std::vector<CurvePoint> points;
  for (int i = 0; i < 5000; ++i) points.push_back({static_cast<double>(i), 5.0 / (1 + i)});
  const std::string svg = curves_svg("a < b", {{"training", points}, {"empty", {}}});
  EXPECT_THAT(svg, HasSubstr("a &lt; b"));
  EXPECT_TRUE(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
  EXPECT_LT(svg.size(), 30'000U);
  const std::vector<Curve> decades{{"right", {{100, 1}, {1000, 2}, {10'000, 3}}}};
  EXPECT_THAT(curves_svg("t", decades, {.name = "exchanges", .logarithmic = true}), HasSubstr("L380.0 "));  // halfway
}

}  // namespace
}  // namespace stillwatch::training
