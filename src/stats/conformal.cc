#include "stats/conformal.h"

#include <algorithm>
#include <cmath>

namespace stillwatch::stats {
namespace {

double rank_p(const std::vector<double>& sorted, double score) {
  const auto above = static_cast<double>(sorted.end() - std::lower_bound(sorted.begin(), sorted.end(), score));
  return (1 + above) / (static_cast<double>(sorted.size()) + 1);
}

double resolution_of(const std::vector<double>& sorted) {
  return 1 / (static_cast<double>(sorted.size()) + 1);
}

}  // namespace

ConformalTail::ConformalTail(std::vector<double> scores) : scores_(std::move(scores)) {
  std::sort(scores_.begin(), scores_.end());
  const size_t excesses = scores_.size() / 10;
  if (excesses < kExcessesMin) return;
  threshold_ = scores_[scores_.size() - excesses - 1];
  at_threshold_ = rank_p(scores_, scores_[scores_.size() - excesses]);
  // Probability-weighted moments of the excesses: b0 = mean, b1 = mean of x (1 - F).
  const auto m = static_cast<double>(excesses);
  double b0 = 0;
  double b1 = 0;
  for (size_t i = 0; i < excesses; ++i) {
    const double x = scores_[scores_.size() - excesses + i] - threshold_;
    b0 += x / m;
    b1 += x / m * (m - 1 - static_cast<double>(i)) / (m - 1);
  }
  if (b0 <= 0) return;
  shape_ = b0 - 2 * b1 > 0 ? 2 - b0 / (b0 - 2 * b1) : kShapeMax;
  shape_ = std::clamp(shape_, 0.0, kShapeMax);
  // With the shape held, the mean of the excesses is scale / (1 - shape); its upper 95 % end by the gamma law of a sum
  // of exponentials, in the normal approximation.
  scale_ = b0 * (1 - shape_) * (1 + 1.645 / std::sqrt(m));
  fitted_ = true;
}

PValue ConformalTail::p(double score) const {
  PValue p{rank_p(scores_, score), resolution_of(scores_), false};
  if (!fitted_ || scores_.empty() || score <= scores_.back()) return p;
  const double x = std::max(0.0, score - threshold_) / scale_;
  const double survival = shape_ > 1e-9 ? std::pow(1 + shape_ * x, -1 / shape_) : std::exp(-x);
  // Ranks are exact where they speak; the tail speaks for scores that no calibration score reached.
  const double fitted = at_threshold_ * survival;
  if (fitted < p.value) return {fitted, p.resolution, true};
  return p;
}

BulkTail::BulkTail(std::vector<double> scores) : scores_(std::move(scores)) {
  std::sort(scores_.begin(), scores_.end());
  if (scores_.empty()) return;
  const auto n = static_cast<double>(scores_.size());
  const auto at = [&](double q) { return scores_[std::min(scores_.size() - 1, static_cast<size_t>(q * n))]; };
  from_ = at(kFrom);
  to_ = at(kTo);
  constexpr double kZFrom = 0.2533471;  // normal quantiles of kFrom and kTo
  constexpr double kZTo = 1.2815516;
  const double deviation = std::max(1e-9, (to_ - from_) / (kZTo - kZFrom));
  mean_ = from_ - kZFrom * deviation;
  deviation_ = kWidening * deviation;
}

PValue BulkTail::p(double score) const {
  const PValue rank{rank_p(scores_, score), resolution_of(scores_), false};
  if (scores_.empty() || score <= from_) return rank;
  const double fitted = 0.5 * std::erfc((score - mean_) / deviation_ / std::sqrt(2.0));
  return {std::min(rank_p(scores_, from_), std::max(fitted, 1e-300)), rank.resolution, score > to_};
}

}  // namespace stillwatch::stats
