// Has a population changed? Two samples compared without assumptions on their distribution.
#pragma once

#include <span>

namespace stillwatch::stats {

struct KolmogorovSmirnov {
  double statistic = 0;
  double p_value = 1;
};

// Two-sample Kolmogorov-Smirnov test with the asymptotic law and Stephens' (1970) small-sample correction; valid
// (conservative) with ties.
KolmogorovSmirnov kolmogorov_smirnov(std::span<const double> a, std::span<const double> b);

// Population stability index over the deciles of `expected`: sum of (q - p) log(q / p), empty cells given half a count.
// Below 0.1 is usually called stable, above 0.25 shifted (Siddiqi 2006).
double population_stability_index(std::span<const double> expected, std::span<const double> actual);

}  // namespace stillwatch::stats
