// Exact tails, held against direct sums and against simulation.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"
#include "stats/binomial.h"
#include "stats/gamma.h"
#include "stats/hypergeometric.h"
#include "stats/multiple.h"
#include "stats/normal.h"

namespace stillwatch::stats {
namespace {

TEST(LogBinomialTail, AgreesWithTheTailAndGoesBelowTheSmallestDouble) {
  for (const double p : {0.01, 0.25, 0.5, 0.9}) {
    for (const uint64_t k : {1u, 5u, 12u, 30u})
      EXPECT_NEAR(log_binomial_tail(k, 30, p), std::log(binomial_tail(k, 30, p)), 1e-9) << k << " " << p;
  }
  EXPECT_NEAR(log_binomial_tail(2000, 2000, 0.5), 2000 * std::log(0.5), 1e-6);
  EXPECT_EQ(log_binomial_tail(0, 10, 0.5), 0);
  EXPECT_EQ(log_binomial_tail(11, 10, 0.5), -INFINITY);
}

TEST(LogBinomialTail, HoldsForMillions) {
  // 40 standard deviations above the mean: the normal tail with its first correction is good to a few per cent there.
  const double z = 40;
  const uint64_t n = 4'000'000;
  const auto k = static_cast<uint64_t>(n / 2 + z * std::sqrt(n / 4.0));
  const double normal = -z * z / 2 - std::log(z * std::sqrt(2 * M_PI));
  EXPECT_NEAR(log_binomial_tail(k, n, 0.5), normal, 0.1);
  EXPECT_NEAR(std::exp(log_binomial_tail(n / 2, n, 0.5)), 0.5, 1e-3);
}

// P(Gamma(n, 1) >= x) is P(Poisson(x) < n).
double poisson_below(int n, double x) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += std::exp(i * std::log(x) - x - std::lgamma(i + 1.0));
  return std::log(sum);
}

TEST(LogGammaTail, AgreesWithPoissonSums) {
  for (const int n : {1, 3, 40, 700}) {
    for (const double factor : {0.2, 0.9, 1.0, 1.1, 2.0})
      EXPECT_NEAR(log_gamma_tail(factor * n, n), poisson_below(n, factor * n), 1e-8) << n << " " << factor;
  }
  EXPECT_EQ(log_gamma_tail(0, 3), 0);
  EXPECT_NEAR(log_gamma_tail(5000, 1), -5000, 1e-6);
  EXPECT_NEAR(std::exp(log_gamma_tail(1e6, 1e6)), 0.5, 1e-3);
}

TEST(LogHypergeometricTail, AgreesWithCounting) {
  // 10 of which 4 are marked, 5 drawn: masses of 0..4 over C(10, 5) = 252 are 6, 60, 120, 60, 6.
  EXPECT_NEAR(std::exp(log_hypergeometric_tail(4, 10, 4, 5)), 6.0 / 252, 1e-12);
  EXPECT_NEAR(std::exp(log_hypergeometric_tail(3, 10, 4, 5)), 66.0 / 252, 1e-12);
  EXPECT_NEAR(std::exp(log_hypergeometric_tail(1, 10, 4, 5)), 246.0 / 252, 1e-12);
  EXPECT_EQ(log_hypergeometric_tail(0, 10, 4, 5), 0);
  EXPECT_EQ(log_hypergeometric_tail(5, 10, 4, 5), -INFINITY);
  EXPECT_EQ(log_hypergeometric_tail(2, 5, 4, 3), 0);  // two are certain: only one is not marked
  EXPECT_NEAR(log_hypergeometric_tail(50, 100'000, 1000, 50), 50 * std::log(0.01), 1.5);
}

TEST(LogHypergeometricTail, IsAValidPValue) {
  base::Random random(1);
  constexpr int kRuns = 20'000;
  std::vector<int> pool(60);
  for (size_t i = 0; i < pool.size(); ++i) pool[i] = i < 25;
  int below[3] = {};
  const double levels[] = {0.1, 0.01, 0.001};
  for (int run = 0; run < kRuns; ++run) {
    random.shuffle(std::span(pool));
    uint64_t hits = 0;
    for (int i = 0; i < 12; ++i) hits += pool[i];
    const double p = std::exp(log_hypergeometric_tail(hits, 60, 25, 12));
    for (int l = 0; l < 3; ++l) below[l] += p <= levels[l];
  }
  for (int l = 0; l < 3; ++l) EXPECT_LE(below[l], levels[l] * kRuns + 4 * std::sqrt(levels[l] * kRuns)) << levels[l];
  EXPECT_GT(below[0], 0.02 * kRuns);
}

TEST(Normal, QuantilesInvertTails) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959964, 1e-5);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-12);
  EXPECT_NEAR(normal_tail(normal_quantile(0.99)), 0.01, 1e-12);
}

TEST(Normal, LargestOfNAsTabulated) {  // Harter 1961
  EXPECT_NEAR(largest_of(1).mean, 0, 1e-9);
  EXPECT_NEAR(largest_of(2).mean, 0.56419, 1e-5);
  EXPECT_NEAR(largest_of(4).mean, 1.02938, 1e-5);
  EXPECT_NEAR(largest_of(8).mean, 1.42360, 1e-5);
  EXPECT_NEAR(largest_of(1).deviation, 1, 1e-9);
  EXPECT_NEAR(largest_of(4).deviation, std::sqrt(0.49172), 1e-4);
}

TEST(Holm, AdjustsAsPublished) {
  const std::vector<double> p = {0.01, 0.04, 0.03, 0.005};
  const std::vector<double> q = holm(p);
  EXPECT_NEAR(q[0], 0.03, 1e-12);
  EXPECT_NEAR(q[1], 0.06, 1e-12);
  EXPECT_NEAR(q[2], 0.06, 1e-12);
  EXPECT_NEAR(q[3], 0.02, 1e-12);
  EXPECT_TRUE(holm({}).empty());
}

}  // namespace
}  // namespace stillwatch::stats
