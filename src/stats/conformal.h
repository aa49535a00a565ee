// How rare a score is among benign ones.
//
// ConformalTail: the conformal p-value (Vovk, Gammerman and Shafer 2005, eq. 2.20), (1 + #{calibration >= s}) / (n +
// 1): if s is exchangeable with the calibration scores, P(p <= a) <= a whatever their distribution; ties count against
// flagging. It cannot go below 1 / (n + 1). For a score above all of the calibration's, a generalised
// Pareto tail (Pickands 1975), fitted to the excesses over the upper decile by probability-weighted moments (Hosking
// and Wallis 1987, eq. 3), may say less, flagged `extrapolated`. It is conservative on purpose: shape held in [0,
// kShapeMax] (never lighter than exponential), scale at the upper end of its 95 % interval, never above the rank
// p-value.
//
// BulkTail: for calibration scores whose top may be hostile. Nothing above the 90 % quantile is believed: a normal law
// is laid through the 60 % and the 90 % quantile, widened by kWidening, and speaks for everything above the 60 %
// quantile; below it ranks speak. An estimate, not a guarantee: right or cautious for scores with tails like a normal
// law's, too small by a factor of about 3 at 0.001 for exponential tails, more further out. Flagged `extrapolated`
// above the 90 % quantile.
//
// Both are non-increasing in the score. Thread rule: const methods are reentrant.
#pragma once

#include <cstddef>
#include <vector>

namespace stillwatch::stats {

struct PValue {
  double value = 1;
  double resolution = 1;  // what ranks alone can reach
  bool extrapolated = false;
};

class ConformalTail {
 public:
  explicit ConformalTail(std::vector<double> scores);
  PValue p(double score) const;
  size_t size() const { return scores_.size(); }

 private:
  static constexpr size_t kExcessesMin = 30;
  static constexpr double kShapeMax = 0.5;

  std::vector<double> scores_;  // increasing
  bool fitted_ = false;
  double threshold_ = 0;
  double at_threshold_ = 0;  // p-value there
  double shape_ = 0;
  double scale_ = 1;
};

class BulkTail {
 public:
  explicit BulkTail(std::vector<double> scores);
  PValue p(double score) const;

 private:
  static constexpr double kFrom = 0.6;
  static constexpr double kTo = 0.9;

  std::vector<double> scores_;  // increasing
  static constexpr double kWidening = 1.3;
  double from_ = 0;
  double to_ = 0;
  double mean_ = 0;
  double deviation_ = 1;
};

}  // namespace stillwatch::stats
