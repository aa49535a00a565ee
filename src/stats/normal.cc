#include "stats/normal.h"

#include <cmath>
#include <numbers>

#include "stats/bisect.h"

namespace stillwatch::stats {

double normal_tail(double z) {
  return 0.5 * std::erfc(z / std::numbers::sqrt2);
}

double normal_quantile(double p) {
  return bisect([](double z) { return normal_tail(-z); }, p, -40, 40);
}

// The density of the largest is n phi(x) Phi(x)^(n-1); the trapezium rule is as good as any where all derivatives
// vanish at both ends.
Largest largest_of(size_t n) {
  constexpr double kEnd = 10;
  constexpr int kSteps = 4000;
  double mean = 0;
  double square = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double x = -kEnd + 2 * kEnd * i / kSteps;
    const double phi = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
    const double mass = static_cast<double>(n) * phi * std::pow(normal_tail(-x), static_cast<double>(n) - 1);
    mean += x * mass;
    square += x * x * mass;
  }
  constexpr double kWidth = 2 * kEnd / kSteps;
  mean *= kWidth;
  return {mean, std::sqrt(square * kWidth - mean * mean)};
}

}  // namespace stillwatch::stats
