#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "stats/binomial.h"
#include "stats/conformal.h"
#include "stats/drift.h"
#include "stats/logistic.h"
#include "stats/mean.h"
#include "stats/multiple.h"

namespace stillwatch::stats {
namespace {

using Draw = double (*)(base::Random&);
const Draw kNormal = [](base::Random& r) { return r.normal(); };
const Draw kExponential = [](base::Random& r) { return r.exponential(1); };
const Draw kHeavy = [](base::Random& r) { return r.normal() / std::sqrt(r.gamma(2.5, 0.4)); };  // Student t, 5 degrees
const Draw kLumps = [](base::Random& r) { return std::floor(2 * r.normal()); };                 // ties

std::vector<double> sample(Draw draw, size_t n, base::Random& random) {
  std::vector<double> out(n);
  for (double& x : out) x = draw(random);
  return out;
}

// How often a fresh score of the same law gets p <= level, over many calibrations.
double rejection(Draw draw, size_t n, double level, bool bulk, uint64_t seed) {
  base::Random random(seed);
  int below = 0;
  constexpr int kRuns = 300;
  constexpr int kFresh = 100;
  for (int run = 0; run < kRuns; ++run) {
    const ConformalTail ranks(sample(draw, n, random));
    const BulkTail tail(sample(draw, n, random));
    for (int i = 0; i < kFresh; ++i) {
      const double score = draw(random);
      below += (bulk ? tail.p(score) : ranks.p(score)).value <= level;
    }
  }
  return below / static_cast<double>(kRuns * kFresh);
}

TEST(ConformalTail, IsUniformWhereRanksSpeak) {
  uint64_t seed = 1;
  for (const Draw draw : {kNormal, kExponential, kHeavy}) {
    for (const double level : {0.02, 0.05, 0.1, 0.3, 0.7}) {
      const double rate = rejection(draw, 199, level, false, seed++);
      EXPECT_NEAR(rate, level, 4 * std::sqrt(level / 30'000) + 0.25 * level / std::sqrt(300 * level)) << level;
    }
  }
}

TEST(ConformalTail, NeverRejectsTooOftenWithTies) {
  for (const double level : {0.01, 0.05, 0.1, 0.3})
    EXPECT_LE(rejection(kLumps, 200, level, false, 7), level * 1.1 + 0.003) << level;
}

TEST(ConformalTail, ExtrapolatesOnTheSafeSide) {
  // Levels that 400 ranks cannot reach.
  for (const Draw draw : {kNormal, kExponential, kHeavy}) {
    EXPECT_LE(rejection(draw, 400, 0.001, false, 11), 0.0016);
    EXPECT_LE(rejection(draw, 400, 0.0002, false, 12), 0.0006);
  }
}

TEST(ConformalTail, FallsSteadilyAndSaysWhenItExtrapolates) {
  base::Random random(3);
  const ConformalTail tail(sample(kNormal, 1000, random));
  double before = 1;
  for (double score = -4; score < 12; score += 0.01) {
    const PValue p = tail.p(score);
    EXPECT_LE(p.value, before);
    EXPECT_GT(p.value, 0);
    EXPECT_EQ(p.extrapolated, p.value < p.resolution * (1 - 1e-12));
    before = p.value;
  }
  EXPECT_LT(before, 1e-6);
}

TEST(ConformalTail, DoesNotExtrapolateFromFew) {
  base::Random random(4);
  const ConformalTail tail(sample(kNormal, 100, random));
  EXPECT_EQ(tail.p(1000).value, 1.0 / 101);
  EXPECT_FALSE(tail.p(1000).extrapolated);
  EXPECT_EQ(ConformalTail({}).p(5).value, 1);
}

TEST(BulkTail, HoldsWithoutContaminationAndSurvivesIt) {
  EXPECT_LE(rejection(kNormal, 400, 0.001, true, 21), 0.0016);
  EXPECT_LE(rejection(kExponential, 400, 0.001, true, 22), 0.005);  // the factor that the header owns up to
  // A twentieth of the scores are hostile and large: they must still look rare.
  base::Random random(5);
  std::vector<double> scores = sample(kNormal, 950, random);
  for (int i = 0; i < 50; ++i) scores.push_back(9 + random.normal());
  const BulkTail tail(scores);
  EXPECT_LT(tail.p(9).value, 1e-4);
  EXPECT_TRUE(tail.p(9).extrapolated);
  EXPECT_GT(ConformalTail(scores).p(9).value, 0.02);
}

TEST(Binomial, AgreesWithDirectSums) {
  for (const double p : {0.001, 0.3, 0.9}) {
    for (const uint64_t k : {0u, 1u, 7u, 20u}) {
      double direct = 0;
      for (uint64_t i = k; i <= 20; ++i) {
        direct += std::exp(std::lgamma(21.0) - std::lgamma(static_cast<double>(i) + 1) -
                           std::lgamma(21.0 - static_cast<double>(i)) + static_cast<double>(i) * std::log(p) +
                           (20.0 - static_cast<double>(i)) * std::log1p(-p));
      }
      EXPECT_NEAR(binomial_tail(k, 20, p), direct, 1e-12);
    }
  }
}

TEST(Binomial, IntervalCoversAndHasKnownEnds) {
  EXPECT_NEAR(clopper_pearson(0, 100).high, 1 - std::pow(0.025, 0.01), 1e-9);
  EXPECT_EQ(clopper_pearson(0, 100).low, 0);
  EXPECT_EQ(clopper_pearson(100, 100).high, 1);
  const Interval known = clopper_pearson(5, 50);
  EXPECT_NEAR(known.low, 0.0333, 2e-4);
  EXPECT_NEAR(known.high, 0.2181, 2e-4);
}

TEST(Binomial, WilsonIsWhereTheScoreTestEnds) {
  // The ends are the p at which |k / n - p| is 1.96 standard errors of p itself.
  for (const auto& [k, n] : {std::pair<uint64_t, uint64_t>{5, 50}, {150, 200}, {1, 7}}) {
    const Interval i = wilson(k, n);
    const double share = static_cast<double>(k) / static_cast<double>(n);
    for (const double p : {i.low, i.high})
      EXPECT_NEAR(std::abs(share - p) / std::sqrt(p * (1 - p) / static_cast<double>(n)), 1.959964, 1e-5);
    EXPECT_LT(i.low, share);
    EXPECT_GT(i.high, share);
  }
  EXPECT_EQ(wilson(0, 10).low, 0);
  EXPECT_EQ(wilson(10, 10).high, 1);
  EXPECT_EQ(wilson(0, 0).high, 1);
}

TEST(Drift, IsUniformWhenNothingChanged) {
  base::Random random(9);
  int below = 0;
  constexpr int kRuns = 2000;
  for (int i = 0; i < kRuns; ++i) {
    const auto a = sample(kNormal, 150, random);
    const auto b = sample(kNormal, 90, random);
    below += kolmogorov_smirnov(a, b).p_value <= 0.1;
  }
  EXPECT_NEAR(below / static_cast<double>(kRuns), 0.09, 0.025);
}

TEST(Drift, SeesAShift) {
  base::Random random(10);
  const auto a = sample(kNormal, 300, random);
  auto b = sample(kNormal, 300, random);
  EXPECT_LT(population_stability_index(a, b), 0.1);
  for (double& x : b) x += 0.8;
  EXPECT_LT(kolmogorov_smirnov(a, b).p_value, 1e-6);
  EXPECT_GT(population_stability_index(a, b), 0.25);
}

TEST(Multiple, AdjustsAsPublished) {
  const std::vector<double> p = {0.01, 0.04, 0.03, 0.005, 0.5};
  const std::vector<double> q = benjamini_hochberg(p);
  EXPECT_NEAR(q[3], 0.025, 1e-12);
  EXPECT_NEAR(q[0], 0.025, 1e-12);
  EXPECT_NEAR(q[2], 0.05, 1e-12);
  EXPECT_NEAR(q[1], 0.05, 1e-12);
  EXPECT_NEAR(q[4], 0.5, 1e-12);
}

TEST(Mean, IsBetweenStudentsBounds) {
  const Mean m = mean_of(std::vector<double>{2, 4, 9});
  EXPECT_DOUBLE_EQ(m.mean, 5);
  EXPECT_NEAR(m.deviation, std::sqrt(13.0), 1e-12);
  const double half = 4.302652729911275 * std::sqrt(13.0 / 3);  // the tabulated quantile, two degrees
  EXPECT_NEAR(m.interval.low, 5 - half, 1e-9);
  EXPECT_NEAR(m.interval.high, 5 + half, 1e-9);
  EXPECT_NEAR(student_cdf(-2.228138851986273, 10), 0.025, 1e-12);
  EXPECT_EQ(mean_of(std::vector<double>{7}).mean, 7);
  EXPECT_TRUE(std::isinf(mean_of(std::vector<double>{7}).interval.high));
}

TEST(Logistic, RecoversCoefficientsAndKeepsSigns) {
  base::Random random(12);
  std::vector<float> rows;
  std::vector<uint8_t> labels;
  constexpr double kTrue[] = {1.5, -1.0, 0.0};
  for (int i = 0; i < 20'000; ++i) {
    double z = 0.3;
    for (const double beta : kTrue) {
      rows.push_back(static_cast<float>(random.normal()));
      z += beta * static_cast<double>(rows.back());
    }
    labels.push_back(random.chance(1 / (1 + std::exp(-z))));
  }
  const std::vector<double> weights(labels.size(), 1.0);
  const std::vector<double> prior(3, 0.0);
  const LogisticModel free = fit_logistic(rows, labels, weights, std::vector<Sign>(3, Sign::kFree), prior, 1e-3);
  EXPECT_NEAR(free.intercept, 0.3, 0.06);
  for (size_t j = 0; j < 3; ++j) EXPECT_NEAR(free.coefficients[j], kTrue[j], 0.07);
  const std::vector<Sign> signs(3, Sign::kNonNegative);
  const LogisticModel bounded = fit_logistic(rows, labels, weights, signs, prior, 1e-3);
  EXPECT_GT(bounded.coefficients[0], 1);
  EXPECT_EQ(bounded.coefficients[1], 0);
  const std::vector<double> firm = {0.5, 0.5, 0.5};
  const LogisticModel held = fit_logistic(rows, labels, weights, signs, firm, 1e9);
  for (const double c : held.coefficients) EXPECT_NEAR(c, 0.5, 1e-3);
}

}  // namespace
}  // namespace stillwatch::stats
