// The normal law, for planning: how much is needed for what power. No p-value that is reported comes from here.
#pragma once

#include <cstddef>

namespace stillwatch::stats {

// P(X >= z).
double normal_tail(double z);
// The z with P(X <= z) = p. REQUIRES: 0 < p < 1.
double normal_quantile(double p);

// Mean and standard deviation of the largest of n independent ones.
struct Largest {
  double mean = 0;
  double deviation = 1;
};
Largest largest_of(size_t n);

}  // namespace stillwatch::stats
