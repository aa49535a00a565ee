#include "stats/binomial.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/bisect.h"
#include "stats/normal.h"

namespace stillwatch::stats {
namespace {

double continued_fraction(double x, double a, double b) {
  constexpr double kTiny = 1e-300;
  const auto away = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  double c = 1;
  double d = 1 / away(1 - (a + b) * x / (a + 1));
  double h = d;
  for (int m = 1; m <= 10'000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    h *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return h;
}

}  // namespace

double regularized_beta(double x, double a, double b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * continued_fraction(x, a, b) / a;
  return 1 - front * continued_fraction(1 - x, b, a) / b;
}

double log_regularized_beta(double x, double a, double b) {
  if (x <= 0) return -std::numeric_limits<double>::infinity();
  if (x >= 1) return 0;
  const double front = std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x);
  if (x < (a + 1) / (a + b + 2)) return front + std::log(continued_fraction(x, a, b) / a);
  return std::log1p(-std::min(1.0, std::exp(front) * continued_fraction(1 - x, b, a) / b));
}

double log_binomial_tail(uint64_t successes, uint64_t trials, double p) {
  if (successes == 0) return 0;
  if (successes > trials) return -std::numeric_limits<double>::infinity();
  return log_regularized_beta(p, static_cast<double>(successes), static_cast<double>(trials - successes) + 1);
}

double binomial_tail(uint64_t successes, uint64_t trials, double p) {
  if (successes == 0) return 1;
  if (successes > trials) return 0;
  return regularized_beta(p, static_cast<double>(successes), static_cast<double>(trials - successes) + 1);
}

Interval clopper_pearson(uint64_t successes, uint64_t trials, double confidence) {
  if (trials == 0) return {};
  const double half = (1 - confidence) / 2;
  const auto k = static_cast<double>(successes);
  const auto n = static_cast<double>(trials);
  Interval interval;
  if (successes > 0) interval.low = bisect([&](double x) { return regularized_beta(x, k, n - k + 1); }, half, 0, 1);
  if (successes < trials)
    interval.high = bisect([&](double x) { return regularized_beta(x, k + 1, n - k); }, 1 - half, 0, 1);
  return interval;
}

Interval wilson(uint64_t successes, uint64_t trials, double confidence) {
  if (trials == 0) return {};
  const double z = normal_quantile(1 - (1 - confidence) / 2);
  const auto n = static_cast<double>(trials);
  const double p = static_cast<double>(successes) / n;
  const double middle = p + z * z / (2 * n);
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  const double whole = 1 + z * z / n;
  return {std::max(0.0, (middle - half) / whole), std::min(1.0, (middle + half) / whole)};
}

}  // namespace stillwatch::stats
