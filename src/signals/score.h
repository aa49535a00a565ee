// From values to a score. Norm says what each signal is for benign subjects at a volume: a line over looks for its
// level and one for the logarithm of its robust deviation. Weights give every signal two slopes, one for each side. The
// score is the sum of slopes times cut deviations.
//
// Identity (network and client) may corroborate and never convict: its share is cut to +-kIdentityShareMax.
// Thread rule: const methods are reentrant.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "signals/measure.h"

namespace stillwatch::signals {

constexpr double kIdentityShareMax = 0.5;

struct Line {
  double intercept = 0;
  double slope = 0;
  double at(double x) const { return intercept + slope * x; }
};

// A sample of a subject: its measurement when it had volume_of_look(look) exchanges, crowd signals filled in.
struct Sample {
  int look = 0;
  Values values{};
};

struct Norm {
  std::array<Line, kSignals> level;
  std::array<Line, kSignals> log_deviation;

  static Norm of(std::span<const Sample> samples);
  double typical(Signal signal, int look) const { return level[static_cast<size_t>(signal)].at(look); }
  // In robust standard deviations, cut at kDeviationMin and kDeviationMax.
  double deviation(Signal signal, const Values& values, int look) const;
};

struct Weights {
  // Of the text form of rules/weights.json. Fails if a signal's are missing.
  static base::Result<Weights> parse(std::string_view text);

  uint32_t version = 1;
  std::array<double, kSignals> up{};    // for values above typical
  std::array<double, kSignals> down{};  // for values below, multiplied by the (positive) size of the deviation

  double share(Signal signal, double deviation) const;
  double score(const Norm& norm, const Values& values, int look) const;
};

// The weights this program ships (docs/statistics.md says how they were fitted).
const Weights& shipped_weights();

// What a reading means, in a sentence.
std::string explain(Signal signal, double value, double typical);

// All signals, largest share first.
std::vector<Reading> read(const Norm& norm, const Weights& weights, const Values& values, int look);

// Level and deviation over looks of any quantity: medians and MADs a look, then weighted least squares.
struct Trend {
  Line level;
  Line log_deviation;
  static Trend of(std::span<const std::vector<double>> by_look, double deviation_min);
};

}  // namespace stillwatch::signals
