#include "fit.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/random.h"
#include "stats/logistic.h"

namespace stillwatch::bench {
namespace {

using signals::kSignals;
using signals::Signal;
using Deviations = std::array<double, kSignals>;

constexpr int kFitLookMin = 2;
constexpr int kCopies = 8;          // of every hostile look, each with other signals disguised
constexpr double kPrior = 0.5;      // weight of every signal before the fit
constexpr double kDisguised = 0.4;  // chance that a signal is

// Shown, not scored: templates are what honest pipelines and harvests have in common, and answer tokens for a word of
// prompt say as much about the length of questions as about greed.
bool scored(Signal s) {
  return s != Signal::kTemplate && s != Signal::kSlotNovelty && s != Signal::kYield;
}

// What a harvest cannot do without; the rest an attacker can dress up.
bool essential(Signal s) {
  switch (s) {
    case Signal::kShift:
    case Signal::kOffCrowd:
    case Signal::kSpread:
    case Signal::kCoverage:
    case Signal::kEvenness:
    case Signal::kNovelty:
    case Signal::kPhraseNovelty:
    case Signal::kAnswerLength:
      return true;
    default:
      return false;
  }
}

struct Rows {
  std::vector<float> values;
  std::vector<uint8_t> labels;
  std::vector<double> weights;

  void add(const Deviations& d, bool hostile, double weight) {
    for (const double x : d) {
      values.push_back(static_cast<float>(std::max(0.0, x)));
      values.push_back(static_cast<float>(std::max(0.0, -x)));
    }
    labels.push_back(hostile);
    weights.push_back(weight);
  }
};

}  // namespace

signals::Weights fit_weights(std::span<const Labelled> accounts, const signals::Baseline& norm, double ridge) {
  Rows rows;
  base::Random random(20260302);
  std::vector<Deviations> honest;  // of broad classes: what a disguise looks like
  const auto deviations = [&](const pipeline::Seen& seen) {
    const signals::Judgement j = norm.judge(*seen.sighting);
    Deviations d;
    for (size_t s = 0; s < kSignals; ++s) {
      const auto signal = static_cast<Signal>(s);
      d[s] = scored(signal) ? norm.norm().deviation(signal, j.values, j.look) : 0;
    }
    return d;
  };
  for (const bool hostile : {false, true}) {
    for (const Labelled& a : accounts) {
      if (a.account->truth.hostile != hostile) continue;
      const auto& all = a.account->seen;
      const auto looks = static_cast<double>(
          std::count_if(all.begin(), all.end(), [](const auto& s) { return s.look >= kFitLookMin; }));
      const std::string_view kind = a.account->truth.kind;
      const bool broad = kind == "people" || kind == "reseller" || kind == "office";
      for (const pipeline::Seen& seen : all) {
        if (seen.look < kFitLookMin) continue;
        const Deviations d = deviations(seen);
        if (!hostile) {
          rows.add(d, false, a.weight / looks);
          if (broad) honest.push_back(d);
          continue;
        }
        for (int copy = 0; copy < kCopies; ++copy) {
          Deviations disguised = d;
          const Deviations& mask = honest[random.below(honest.size())];
          for (size_t s = 0; s < kSignals; ++s) {
            if (!essential(static_cast<Signal>(s)) && random.chance(kDisguised)) disguised[s] = mask[s];
          }
          rows.add(disguised, true, a.weight / looks / kCopies);
        }
      }
    }
  }
  // More of a signal can only speak for distillation, less of it only against.
  std::vector<stats::Sign> signs;
  std::vector<double> prior;  // before any data every signal says as much as any other
  for (size_t s = 0; s < kSignals; ++s) {
    signs.push_back(stats::Sign::kNonNegative);
    signs.push_back(stats::Sign::kNonPositive);
    const double weight = scored(static_cast<Signal>(s)) ? kPrior : 0;
    prior.push_back(weight);
    prior.push_back(-weight);
  }
  const stats::LogisticModel model = stats::fit_logistic(rows.values, rows.labels, rows.weights, signs, prior, ridge);
  signals::Weights fitted;
  for (size_t s = 0; s < kSignals; ++s) {
    fitted.up[s] = model.coefficients[2 * s];
    fitted.down[s] = model.coefficients[2 * s + 1];
  }
  return fitted;
}

}  // namespace stillwatch::bench
