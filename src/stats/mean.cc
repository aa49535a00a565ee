#include "stats/mean.h"

#include <cmath>
#include <limits>

#include "stats/bisect.h"

namespace stillwatch::stats {
namespace {

// The t >= 0 with P(T <= t) = p.
double student_quantile(double p, double degrees) {
  double high = 1;
  while (student_cdf(high, degrees) < p) high *= 2;
  return bisect([degrees](double t) { return student_cdf(t, degrees); }, p, 0, high);
}

}  // namespace

double student_cdf(double t, double degrees) {
  const double tail = regularized_beta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
  return t > 0 ? 1 - tail : tail;
}

Mean mean_of(std::span<const double> values, double confidence) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Mean m{.interval = {-kInfinity, kInfinity}};
  const auto n = static_cast<double>(values.size());
  for (const double v : values) m.mean += v / n;
  if (values.size() < 2) return m;
  double squares = 0;
  for (const double v : values) squares += (v - m.mean) * (v - m.mean);
  m.deviation = std::sqrt(squares / (n - 1));
  const double half = student_quantile(1 - (1 - confidence) / 2, n - 1) * m.deviation / std::sqrt(n);
  m.interval = {m.mean - half, m.mean + half};
  return m;
}

}  // namespace stillwatch::stats
