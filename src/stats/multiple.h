// Many tests at once.
#pragma once

#include <span>
#include <vector>

namespace stillwatch::stats {

// Adjusted p-values in the order given. Benjamini and Hochberg 1995: rejecting q <= a keeps the expected share of false
// rejections below a (independent tests).
std::vector<double> benjamini_hochberg(std::span<const double> p_values);

// Adjusted p-values in the order given. Holm 1979: rejecting those <= a keeps the chance of any false rejection below
// a, however the tests depend on each other.
std::vector<double> holm(std::span<const double> p_values);

}  // namespace stillwatch::stats
