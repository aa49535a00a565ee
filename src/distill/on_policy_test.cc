#include "distill/on_policy.h"

#include <gmock/gmock.h>

#include "distill/losses.h"
#include "distill/test_models.h"

namespace stillwatch::distill {
namespace {

struct Setting {
  std::vector<model::Conversation> rows = test::sums(12);
  model::Model teacher = test::fitted(rows);
  model::Model student = training::fresh_model(test::small_recipe(9), teacher.tokenizer, *teacher.marks);
  std::vector<model::Example> examples = test::examples_of(rows, teacher);
  std::unique_ptr<training::Network> judge = *training::make_cpu_network(teacher.config, teacher.weights, 1);
  LogitLoss loss{*judge, {{Divergence::Kind::kJsd, 0.5, 1}, 0}};

  OnPolicySettings settings(double share) const { return {.share = share, .tokens_max = 30, .seed = 4}; }
  OnPolicy policy(double share, OnPolicy::Told told = {}) const {
    return {settings(share), *teacher.marks, teacher.tokenizer, examples, std::move(told)};
  }
};

TEST(OnPolicy, GivesTheStudentsAnswersToTheRowsPrompts) {
  const Setting s;
  auto network = *training::make_cpu_network(s.student.config, s.student.weights, 1);
  OnPolicy policy = s.policy(1);
  const std::vector<uint64_t> rows = {7, 2};
  const auto given = policy.renew(3, rows, *network);
  ASSERT_TRUE(given && *given);
  ASSERT_EQ((*given)->size(), 2U);
  size_t made = 0;
  for (size_t i = 0; i < 2; ++i) {
    const model::Example& own = (**given)[i];
    const auto prompt = model::prompt_of({s.rows[rows[i]][0]}, *s.teacher.marks, s.teacher.tokenizer);
    ASSERT_GT(own.tokens.size(), prompt.size());
    EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), own.tokens.begin()));
    for (size_t t = 0; t < own.tokens.size(); ++t) EXPECT_EQ(own.scored[t], t >= prompt.size());
    EXPECT_NE(own.tokens, s.examples[rows[i]].tokens);  // an untaught student's, not the data's
    made += own.tokens.size() - prompt.size();
  }
  EXPECT_EQ(policy.tokens_made(), made);
  // Seed and step alone decide.
  EXPECT_EQ((*s.policy(1).renew(3, rows, *network))->at(0).tokens, (**given)[0].tokens);
  EXPECT_NE((*s.policy(1).renew(4, rows, *network))->at(0).tokens, (**given)[0].tokens);
}

TEST(OnPolicy, DrawsItsShareOfStepsAndTellsOfEach) {
  const Setting s;
  auto network = *training::make_cpu_network(s.student.config, s.student.weights, 1);
  int told_rows = 0, told_own = 0, own = 0;
  OnPolicy policy = s.policy(0.3, [&](const std::vector<model::Example>* answers) -> base::Result<void> {
    ++(answers == nullptr ? told_rows : told_own);
    return {};
  });
  const std::vector<uint64_t> rows = {1};
  for (uint64_t step = 0; step < 200; ++step) own += (*policy.renew(step, rows, *network)).has_value();
  EXPECT_NEAR(own, 60, 25);
  EXPECT_EQ(told_own, own);
  EXPECT_EQ(told_rows, 200 - own);
  OnPolicy never = s.policy(0);
  EXPECT_FALSE((*never.renew(1, rows, *network)).has_value());
}

// Trains on the student's own answers alone; `pause`: the step behind which it is saved, thrown away and begun again.
std::string trained(Setting& s, uint64_t pause, std::vector<double>& losses) {
  training::Plan plan = test::small_recipe().plan;
  plan.steps = 60;
  OnPolicy policy = s.policy(1);
  const auto start = [&] {
    auto t = *training::Trainer::start(plan, *training::make_cpu_network(s.student.config, s.student.weights, 1),
                                       s.examples, s.loss);
    t.set_renew([&](uint64_t step, std::span<const uint64_t> rows, training::Network& network) {
      return policy.renew(step, rows, network);
    });
    return t;
  };
  auto trainer = start();
  const auto state = [&] {
    std::string bytes;
    trainer.save_state([&](std::string_view part) { bytes += part; });
    return bytes;
  };
  while (!trainer.done()) {
    losses.push_back(trainer.step()->loss);
    if (trainer.steps_done() != pause) continue;
    const std::string kept = state();
    trainer = start();
    EXPECT_TRUE(trainer.load_state(kept, "state"));
  }
  return state();
}

TEST(OnPolicy, TeachesAndGoesOnBitForBit) {
  Setting s;
  std::vector<double> losses, again;
  const std::string uninterrupted = trained(s, 0, losses);
  EXPECT_EQ(trained(s, 17, again), uninterrupted);
  EXPECT_EQ(losses, again);
  EXPECT_LT(losses.back(), 0.75 * losses.front());
}

}  // namespace
}  // namespace stillwatch::distill
