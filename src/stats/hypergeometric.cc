#include "stats/hypergeometric.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace stillwatch::stats {
namespace {

double log_choose(uint64_t n, uint64_t k) {
  const auto lgamma1 = [](uint64_t v) { return std::lgamma(static_cast<double>(v) + 1); };
  return lgamma1(n) - lgamma1(k) - lgamma1(n - k);
}

}  // namespace

double log_hypergeometric_tail(uint64_t hits, uint64_t population, uint64_t marked, uint64_t draws) {
  const uint64_t unmarked = population - marked;
  const uint64_t least = draws > unmarked ? draws - unmarked : 0;
  const uint64_t most = std::min(marked, draws);
  if (hits <= least) return 0;
  if (hits > most) return -std::numeric_limits<double>::infinity();
  const auto log_mass = [&](uint64_t k) {
    return log_choose(marked, k) + log_choose(unmarked, draws - k) - log_choose(population, draws);
  };
  double sum = -std::numeric_limits<double>::infinity();
  for (uint64_t k = hits; k <= most; ++k) {
    const double mass = log_mass(k);
    const double high = std::max(sum, mass);
    sum = high + std::log1p(std::exp(std::min(sum, mass) - high));
    if (mass < sum - 45) break;  // the masses beyond the mode fall ever faster
  }
  return std::min(0.0, sum);
}

}  // namespace stillwatch::stats
