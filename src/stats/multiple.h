// Many tests at once. Both return adjusted p-values in the order given.
#pragma once

#include <span>
#include <vector>

namespace stillwatch::stats {

// Benjamini and Hochberg 1995: rejecting q <= a keeps the expected share of false rejections below a (independent
// tests).
std::vector<double> benjamini_hochberg(std::span<const double> p_values);

// Holm 1979: rejecting <= a keeps the chance of any false rejection below a, whatever the dependence.
std::vector<double> holm(std::span<const double> p_values);

}  // namespace stillwatch::stats
