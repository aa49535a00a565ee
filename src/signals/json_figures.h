// Figures as they stand in files: no more digits than they are worth. For the modules that write baselines. Pure
// functions.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>

namespace stillwatch::signals {

// To so many significant digits; what is not finite, or hardly there, becomes 0.
inline double rounded(double value, int digits) {
  if (std::abs(value) < 1e-300 || !std::isfinite(value)) return 0;
  const double scale = std::pow(10.0, digits - 1 - std::floor(std::log10(std::abs(value))));
  return std::round(value * scale) / scale;
}

template <typename Numbers>
nlohmann::ordered_json array_of(const Numbers& numbers, int digits) {
  auto out = nlohmann::ordered_json::array();
  for (const auto v : numbers) out.push_back(rounded(static_cast<double>(v), digits));
  return out;
}

}  // namespace stillwatch::signals
