#include "watermark/detect.h"

#include <cmath>
#include <numbers>

#include "stats/binomial.h"
#include "stats/gamma.h"

namespace stillwatch::watermark {
namespace {

double log_tail(const Mark& mark, uint64_t windows, double score) {
  const auto count = static_cast<uint64_t>(std::llround(score));
  switch (mark.scheme) {
    case Scheme::kGreen:
      return stats::log_binomial_tail(count, windows, mark.gamma);
    case Scheme::kGumbel:
      return stats::log_gamma_tail(score, static_cast<double>(windows));
    case Scheme::kTournament:
      return stats::log_binomial_tail(count, windows * static_cast<uint64_t>(mark.layers), 0.5);
  }
  return 0;
}

}  // namespace

double Detection::p() const {
  return std::pow(10, log10_p);
}

Detection detection_of(const Mark& mark, uint64_t windows, double score) {
  Detection d;
  d.windows = windows;
  d.score = score;
  if (windows == 0) return d;
  const auto n = static_cast<double>(windows);
  d.expected = n * mean_of(mark);
  d.z = (score - d.expected) / std::sqrt(n * variance_of(mark));
  d.log10_p = log_tail(mark, windows, score) / std::numbers::ln10;
  return d;
}

Detection detect(const Key& key, const Mark& mark, const Windows& windows) {
  double score = 0;
  for (size_t i = 0; i < windows.size(); ++i) score += score_of(mark, key.prf(windows[i]));
  return detection_of(mark, windows.size(), score);
}

}  // namespace stillwatch::watermark
