#include "signals/score.h"

#include <algorithm>
#include <cmath>

#include "signals/evidence.h"

namespace stillwatch::signals {
namespace {

// The least deviation that counts as one standard deviation: a signal that hardly varies among a small crowd must not
// become infinitely telling. Units are the signal's own.
constexpr std::array<double, kSignals> kScaleMin = {0.03, 0.02, 0.02, 0.7,  0.02, 0.05, 0.1,  0.3,  0.05,
                                                    0.03, 0.03, 0.03, 0.03, 0.02, 0.02, 0.08, 0.08, 0.04,
                                                    0.08, 0.3,  0.4,  0.15, 0.08, 0.05, 0.04, 1.0,  0.5};

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Point {
  double x, y, weight;
};

Line least_squares(std::span<const Point> points) {
  double w = 0, x = 0, y = 0;
  for (const Point& p : points) {
    w += p.weight;
    x += p.weight * p.x;
    y += p.weight * p.y;
  }
  if (w == 0) return {};
  x /= w;
  y /= w;
  double xx = 0, xy = 0;
  for (const Point& p : points) {
    xx += p.weight * (p.x - x) * (p.x - x);
    xy += p.weight * (p.x - x) * (p.y - y);
  }
  const double slope = xx > 0 ? xy / xx : 0;
  return {y - slope * x, slope};
}

}  // namespace

Trend Trend::of(std::span<const std::vector<double>> by_look, double deviation_min) {
  std::vector<Point> levels;
  std::vector<Point> deviations;
  for (size_t look = 0; look < by_look.size(); ++look) {
    std::vector<double> values = by_look[look];
    if (values.empty()) continue;
    const double middle = median(values);
    for (double& v : values) v = std::abs(v - middle);
    constexpr double kMadToDeviation = 1.4826;
    const double deviation = std::max(deviation_min, kMadToDeviation * median(values));
    const auto weight = static_cast<double>(values.size());
    levels.push_back({static_cast<double>(look), middle, weight});
    deviations.push_back({static_cast<double>(look), std::log(deviation), weight});
  }
  return {least_squares(levels), least_squares(deviations)};
}

Norm Norm::of(std::span<const Sample> samples) {
  Norm norm;
  for (size_t s = 0; s < kSignals; ++s) {
    std::vector<std::vector<double>> by_look(kLooks);
    for (const Sample& sample : samples) by_look[static_cast<size_t>(sample.look)].push_back(sample.values[s]);
    const Trend trend = Trend::of(by_look, kScaleMin[s]);
    norm.level[s] = trend.level;
    norm.log_deviation[s] = trend.log_deviation;
  }
  return norm;
}

double Norm::deviation(Signal signal, const Values& values, int look) const {
  const auto s = static_cast<size_t>(signal);
  const double scale = std::max(kScaleMin[s], std::exp(log_deviation[s].at(look)));
  return std::clamp((values[s] - level[s].at(look)) / scale, kDeviationMin, kDeviationMax);
}

double Weights::share(Signal signal, double deviation) const {
  const auto s = static_cast<size_t>(signal);
  const double share = deviation > 0 ? up[s] * deviation : -down[s] * deviation;
  return signal == Signal::kClientUniform ? std::clamp(share, -kIdentityShareMax, kIdentityShareMax) : share;
}

double Weights::score(const Norm& norm, const Values& values, int look) const {
  double sum = 0;
  for (size_t s = 0; s < kSignals; ++s) {
    const auto signal = static_cast<Signal>(s);
    sum += share(signal, norm.deviation(signal, values, look));
  }
  return sum;
}

std::vector<Reading> read(const Norm& norm, const Weights& weights, const Values& values, int look) {
  std::vector<Reading> readings;
  for (size_t s = 0; s < kSignals; ++s) {
    Reading r;
    r.signal = static_cast<Signal>(s);
    r.value = values[s];
    r.baseline = norm.typical(r.signal, look);
    r.deviation = norm.deviation(r.signal, values, look);
    r.share = weights.share(r.signal, r.deviation);
    r.explanation = explain(r.signal, r.value, r.baseline);
    readings.push_back(std::move(r));
  }
  std::stable_sort(readings.begin(), readings.end(),
                   [](const Reading& a, const Reading& b) { return a.share > b.share; });
  return readings;
}

}  // namespace stillwatch::signals
