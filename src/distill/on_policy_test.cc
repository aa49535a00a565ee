#include "distill/on_policy.h"

#include <gtest/gtest.h>

#include "model/test_reference.h"
#include "training/cpu_network.h"
#include "training/fresh_model.h"

namespace stillwatch::distill {
namespace {

class OnPolicyTest : public testing::Test {
 protected:
  OnPolicyTest() {
    for (const model::Conversation& row : conversations())
      examples_.push_back(model::example_of(row, *student_.marks, student_.tokenizer));
    settings_.tokens_max = 12;
    network_ = *training::make_cpu_network(student_.config, student_.weights, 1);
  }
  static std::vector<model::Conversation> conversations() {
    std::vector<model::Conversation> rows;
    for (size_t i = 1; i <= 6; ++i) {
      rows.push_back({{model::Role::kUser, "what is " + std::string(i, 'a'), ""},
                      {model::Role::kAssistant, "it is b", "because"}});
    }
    return rows;
  }
  static model::Model fresh() {
    training::Recipe recipe;
    recipe.shape = model::tiny_config(true, false);
    return training::fresh_model(recipe, training::fit_tokenizer(conversations(), 280), model::ChatTemplate::own());
  }
  OnPolicy make(OnPolicy::Told told = {}) {
    return {settings_, *student_.marks, student_.tokenizer, examples_, std::move(told)};
  }

  model::Model student_ = fresh();
  std::vector<model::Example> examples_;
  OnPolicySettings settings_;
  std::unique_ptr<training::Network> network_;
  const std::vector<uint64_t> rows_{4, 0, 3};
};

TEST_F(OnPolicyTest, LearnsFromAnswersToThePromptsOfItsRows) {
  settings_.share = 1;
  OnPolicy on_policy = make();
  const auto answers = on_policy.renew(1, rows_, *network_);
  ASSERT_TRUE(answers && *answers);
  ASSERT_EQ((*answers)->size(), rows_.size());
  size_t made = 0;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const model::Example& own = (**answers)[i];
    const model::Example& row = examples_[rows_[i]];
    const auto prompt = static_cast<size_t>(std::find(row.scored.begin(), row.scored.end(), true) - row.scored.begin());
    ASSERT_GT(own.tokens.size(), prompt);
    EXPECT_LE(own.tokens.size(), prompt + settings_.tokens_max);
    for (size_t t = 0; t < own.tokens.size(); ++t) {
      EXPECT_EQ(own.scored[t], t >= prompt);
      if (t < prompt) {
        EXPECT_EQ(own.tokens[t], row.tokens[t]);
      }
    }
    made += own.tokens.size() - prompt;
  }
  EXPECT_EQ(on_policy.tokens_made(), made);
}

TEST_F(OnPolicyTest, SeedStepAndWeightsDecide) {
  settings_.share = 1;
  const auto tokens = [&](uint64_t step) {
    std::vector<std::vector<int32_t>> out;
    const auto answers = make().renew(step, rows_, *network_);
    for (const model::Example& e : **answers) out.push_back(e.tokens);
    return out;
  };
  EXPECT_EQ(tokens(1), tokens(1));
  EXPECT_NE(tokens(1), tokens(2));
  const auto before = tokens(1);
  settings_.seed = 2;
  EXPECT_NE(tokens(1), before);
}

TEST_F(OnPolicyTest, ItsShareOfStepsIsItsOwnAndTheTeacherIsToldOfAll) {
  settings_.share = 0.3;
  settings_.tokens_max = 1;
  size_t own = 0, told_own = 0, told_rows = 0;
  OnPolicy on_policy = make([&](const std::vector<model::Example>* answers) -> base::Result<void> {
    ++(answers != nullptr ? told_own : told_rows);
    return {};
  });
  for (uint64_t step = 1; step <= 200; ++step) own += on_policy.renew(step, rows_, *network_)->has_value();
  EXPECT_GT(own, 40u);
  EXPECT_LT(own, 80u);
  EXPECT_EQ(told_own, own);
  EXPECT_EQ(told_own + told_rows, 200u);
}

}  // namespace
}  // namespace stillwatch::distill
