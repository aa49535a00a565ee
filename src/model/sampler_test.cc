#include "model/sampler.h"

#include <gmock/gmock.h>

#include <cmath>

namespace stillwatch::model {
namespace {

using testing::ElementsAre;

std::vector<float> logits_of(std::initializer_list<double> probabilities) {
  std::vector<float> out;
  for (const double p : probabilities) out.push_back(static_cast<float>(std::log(p)) + 3);
  return out;
}

std::vector<double> shares(const Sampling& sampling, const std::vector<float>& logits, int draws) {
  Sampler sampler(sampling);
  std::vector<double> share(logits.size(), 0.0);
  for (int i = 0; i < draws; ++i) {
    std::vector<float> copy = logits;
    share[static_cast<size_t>(sampler.next({}, copy, false).token)] += 1.0 / draws;
  }
  return share;
}

TEST(Sampler, TakesTheGreatestAtTemperatureZero) {
  Sampling s;
  s.temperature = 0;
  auto logits = logits_of({0.2, 0.3, 0.3, 0.2});
  EXPECT_EQ(Sampler(s).next({}, logits, false).token, 1);
}

TEST(Sampler, DrawsByProbability) {
  Sampling s;
  s.seed = 4;
  const auto share = shares(s, logits_of({0.5, 0.3, 0.2}), 20'000);
  EXPECT_NEAR(share[0], 0.5, 0.015);
  EXPECT_NEAR(share[1], 0.3, 0.015);
  // At half the temperature probabilities are squared: 25 : 9 : 4.
  s.temperature = 0.5;
  EXPECT_NEAR(shares(s, logits_of({0.5, 0.3, 0.2}), 20'000)[0], 25.0 / 38, 0.015);
}

TEST(Sampler, KeepsTheTopOnly) {
  Sampling s;
  s.top_k = 2;
  auto share = shares(s, logits_of({0.2, 0.5, 0.3}), 20'000);
  EXPECT_EQ(share[0], 0);
  EXPECT_NEAR(share[1], 0.625, 0.015);
  s.top_k = 0;
  s.top_p = 0.75;  // 0.5 is not enough, 0.8 is
  share = shares(s, logits_of({0.2, 0.5, 0.3}), 20'000);
  EXPECT_EQ(share[0], 0);
  EXPECT_NEAR(share[2], 0.375, 0.015);
}

TEST(Sampler, TheSeedDecides) {
  const auto logits = logits_of({0.25, 0.25, 0.25, 0.25});
  const auto drawn = [&](uint64_t seed) {
    Sampling s;
    s.seed = seed;
    Sampler sampler(s);
    std::vector<int32_t> out;
    for (int i = 0; i < 20; ++i) {
      auto copy = logits;
      out.push_back(sampler.next({}, copy, false).token);
    }
    return out;
  };
  EXPECT_EQ(drawn(1), drawn(1));
  EXPECT_NE(drawn(1), drawn(2));
}

TEST(Sampler, BiasMovesTheChoiceAndNotTheLogprobs) {
  Sampling s;
  s.temperature = 0;
  s.bias[2] = 10;
  s.logprobs = 2;
  auto logits = logits_of({0.5, 0.3, 0.2});
  const Choice c = Sampler(s).next({}, logits, true);
  EXPECT_EQ(c.token, 2);
  EXPECT_NEAR(c.logprob, std::log(0.2), 1e-5);
  ASSERT_EQ(c.alternatives.size(), 2U);
  EXPECT_EQ(c.alternatives[0].first, 0);
  EXPECT_NEAR(c.alternatives[0].second, std::log(0.5), 1e-5);
}

TEST(Sampler, HooksSeeTheContextAndDecide) {
  const std::vector<int32_t> context{7, 8};
  Sampling s;
  s.temperature = 0;
  s.on_logits = [&](std::span<const int32_t> seen, std::span<float> logits) {
    EXPECT_THAT(seen, ElementsAre(7, 8));
    logits[1] += 100;
  };
  auto logits = logits_of({0.5, 0.3, 0.2});
  EXPECT_EQ(Sampler(s).next(context, logits, false).token, 1);

  Sampling gumbel;
  gumbel.top_k = 2;
  gumbel.choose = [](std::span<const int32_t>, std::span<const Candidate> candidates, base::Random&) {
    EXPECT_EQ(candidates.size(), 2U);
    EXPECT_NEAR(candidates[0].probability + candidates[1].probability, 1, 1e-6);
    return size_t{1};
  };
  logits = logits_of({0.5, 0.3, 0.2});
  EXPECT_EQ(Sampler(gumbel).next(context, logits, false).token, 1);
}

}  // namespace
}  // namespace stillwatch::model
