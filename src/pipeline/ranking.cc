#include "pipeline/ranking.h"

#include <algorithm>
#include <cmath>

#include "stats/drift.h"
#include "stats/multiple.h"

namespace stillwatch::pipeline {
namespace {

using verdict::LabelKind;
using verdict::Verdict;

constexpr double kWatchQValue = 0.1;

BaselineFacts facts_of(const signals::Baseline& baseline, const std::vector<double>& now) {
  BaselineFacts facts{baseline.name(), baseline.calibrated(), baseline.subjects(), baseline.made(), 1, 0, false};
  const std::vector<double> then(baseline.ranks().begin(), baseline.ranks().end());
  constexpr size_t kAccountsMin = 50;
  if (now.size() < kAccountsMin || then.size() < kAccountsMin) return facts;
  facts.drift_p_value = stats::kolmogorov_smirnov(now, then).p_value;
  facts.drift_index = stats::population_stability_index(then, now);
  // Both: with many accounts a harmless difference is significant, with few a large one is chance.
  facts.drifted = facts.drift_p_value < 0.001 && facts.drift_index > 0.2;
  return facts;
}

size_t bin_of(double p_value) {
  const double p = std::isfinite(p_value) ? std::clamp(p_value, 0.0, 1.0) : 1;
  return std::min(kPValueBins - 1, static_cast<size_t>(p * kPValueBins));
}

void give_verdict(Place& place) {
  if (place.label) {
    place.flagged = *place.label == LabelKind::kHostile;
    place.verdict = place.flagged ? Verdict::kLabelledHostile : Verdict::kLabelledBenign;
  } else if (place.flagged) {
    place.verdict = Verdict::kHarvest;
  } else if (place.judged) {
    place.verdict = place.q_value <= kWatchQValue ? Verdict::kWatch : Verdict::kClear;
  }
}

}  // namespace

void rank(std::vector<Place>& places, const signals::Baseline& baseline, Overview& overview) {
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.account < b.account; });
  std::vector<double> p_values, scores;
  std::vector<Place*> judged;
  for (Place& place : places) {
    if (!place.judged) continue;
    judged.push_back(&place);
    p_values.push_back(place.p_value);
    scores.push_back(place.score);
    ++overview.p_values[bin_of(place.p_value)];
  }
  const std::vector<double> q_values = stats::benjamini_hochberg(p_values);
  for (size_t i = 0; i < judged.size(); ++i) judged[i]->q_value = q_values[i];
  overview.accounts = places.size();
  overview.accounts_judged = judged.size();
  overview.baseline = facts_of(baseline, scores);
  for (Place& place : places) {
    give_verdict(place);
    overview.accounts_flagged += place.flagged;
  }
  // By score, not by p-value: ranks bottom out and p-values tie.
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    if (a.flagged != b.flagged) return a.flagged;
    if (a.judged != b.judged) return a.judged;
    if (a.score != b.score) return a.score > b.score;
    return a.exchanges > b.exchanges;
  });
}

}  // namespace stillwatch::pipeline
