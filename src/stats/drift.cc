#include "stats/drift.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace stillwatch::stats {
namespace {

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  std::sort(copy.begin(), copy.end());
  return copy;
}

}  // namespace

KolmogorovSmirnov kolmogorov_smirnov(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return {};
  const std::vector<double> x = sorted(a);
  const std::vector<double> y = sorted(b);
  const auto n = static_cast<double>(x.size());
  const auto m = static_cast<double>(y.size());
  double statistic = 0;
  size_t i = 0;
  size_t j = 0;
  while (i < x.size() && j < y.size()) {
    const double at = std::min(x[i], y[j]);
    while (i < x.size() && x[i] == at) ++i;
    while (j < y.size() && y[j] == at) ++j;
    statistic = std::max(statistic, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  const double root = std::sqrt(n * m / (n + m));
  const double lambda = (root + 0.12 + 0.11 / root) * statistic;
  if (lambda < 0.2) return {statistic, 1};  // the series converges slowly there; the value is 1 to twelve digits
  double p = 0;
  for (int k = 1; k <= 100; ++k) p += (k % 2 == 1 ? 2 : -2) * std::exp(-2.0 * k * k * lambda * lambda);
  return {statistic, std::clamp(p, 0.0, 1.0)};
}

double population_stability_index(std::span<const double> expected, std::span<const double> actual) {
  constexpr size_t kCells = 10;
  if (expected.size() < kCells || actual.empty()) return 0;
  const std::vector<double> reference = sorted(expected);
  std::array<double, kCells - 1> edges;
  for (size_t i = 0; i < edges.size(); ++i) edges[i] = reference[(i + 1) * reference.size() / kCells];
  const auto shares = [&](std::span<const double> values) {
    std::array<double, kCells> counts{};
    for (const double v : values)
      ++counts[static_cast<size_t>(std::upper_bound(edges.begin(), edges.end(), v) - edges.begin())];
    for (double& c : counts) c = std::max(c, 0.5) / static_cast<double>(values.size());
    return counts;
  };
  const auto p = shares(expected);
  const auto q = shares(actual);
  double index = 0;
  for (size_t i = 0; i < kCells; ++i) index += (q[i] - p[i]) * std::log(q[i] / p[i]);
  return index;
}

}  // namespace stillwatch::stats
