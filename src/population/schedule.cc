#include "population/schedule.h"

#include <algorithm>
#include <cmath>

namespace stillwatch::population {
namespace {

// Activity of people by hour of the local day, after the shape of public request traces: quiet nights, a morning rise,
// a long afternoon, an evening shoulder.
constexpr double kDay[24] = {0.25, 0.15, 0.1, 0.08, 0.08, 0.12, 0.25, 0.5, 0.8, 1.0, 1.1, 1.1,
                             1.0,  1.1,  1.2, 1.2,  1.1,  1.0,  0.9,  0.9, 1.0, 0.9, 0.7, 0.45};

double weight_of(Rhythm rhythm, int64_t local_hour, base::Random& random) {
  const auto hour = static_cast<size_t>(local_hour % 24);
  const int64_t weekday = (local_hour / 24 + 3) % 7;  // 1970-01-01 was a Thursday; 0 is Monday
  const bool weekend = weekday >= 5;
  switch (rhythm) {
    case Rhythm::kFlat:
      return 1;
    case Rhythm::kDiurnal:
      return kDay[hour] * (weekend ? 0.6 : 1);
    case Rhythm::kOfficeHours:
      return weekend || hour < 8 || hour > 18 ? 0.02 : 1;
    case Rhythm::kJittered:
      return random.chance(0.35) ? random.exponential(1) : 0.01;
    case Rhythm::kBursts:
      return random.chance(0.06) ? random.exponential(1) : 0.003;
  }
  return 1;
}

}  // namespace

Schedule::Schedule(Rhythm rhythm, base::Time start, double duration_days, base::Random random) {
  const auto hours = static_cast<size_t>(std::max(1.0, std::ceil(duration_days * 24)));
  // Time zones with people in them: the Americas, Europe and Africa, Asia.
  constexpr int kZones[] = {-8, -6, -5, -3, 0, 1, 1, 2, 3, 5, 8, 8, 9};
  const int zone = kZones[random.below(std::size(kZones))];
  const int64_t first = base::to_ms(start) / base::kHourMs + zone;
  double sum = 0;
  std::vector<double> weights(hours);
  for (size_t h = 0; h < hours; ++h) weights[h] = sum += weight_of(rhythm, first + static_cast<int64_t>(h), random);
  for (const double w : weights) cumulative_.push_back(static_cast<float>(w / sum));
  cumulative_.back() = 1;
}

double Schedule::at(double u) const {
  const auto it = std::lower_bound(cumulative_.begin(), cumulative_.end(), static_cast<float>(u));
  const auto hour = static_cast<size_t>(
      std::min<std::ptrdiff_t>(it - cumulative_.begin(), static_cast<std::ptrdiff_t>(cumulative_.size()) - 1));
  const double below = hour == 0 ? 0 : static_cast<double>(cumulative_[hour - 1]);
  const double width = std::max(1e-12, static_cast<double>(cumulative_[hour]) - below);
  return (static_cast<double>(hour) + std::clamp((u - below) / width, 0.0, 1.0)) * static_cast<double>(base::kHourMs);
}

double Schedule::share_before(double ms) const {
  const double hours = std::floor(ms / static_cast<double>(base::kHourMs));
  if (hours < 1) return 0;
  return static_cast<double>(cumulative_[std::min(cumulative_.size(), static_cast<size_t>(hours)) - 1]);
}

double next_of_sorted(double u, double remaining, base::Random& random) {
  return 1 - (1 - u) * std::pow(1 - random.uniform(), 1 / std::max(1.0, remaining));
}

}  // namespace stillwatch::population
