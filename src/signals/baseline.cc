#include "signals/baseline.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/hash.h"
#include "stats/conformal.h"

namespace stillwatch::signals {
namespace {

using base::ErrorCode;

constexpr double kScoreDeviationMin = 0.25;

Values placed(const Crowd& crowd, const Measurement& m) {
  Values values = m.values;
  values[static_cast<size_t>(Signal::kShift)] = static_cast<float>(crowd.shift(m.meaning));
  values[static_cast<size_t>(Signal::kOffCrowd)] = static_cast<float>(crowd.off_axes(m.meaning));
  return values;
}

bool fits(const Subject& subject) {
  return base::hash64(subject.name, 0x66697473) % 3 == 0;
}

}  // namespace

// Ranks, and beyond them what calibrated and uncalibrated baselines may say.
struct Baseline::Tails {
  stats::ConformalTail ranks;
  stats::BulkTail bulk;
};

Sighting sight(const profile::Summary& current, const profile::Summary* lifetime) {
  Sighting sighting;
  for (const profile::Summary* summary : {&current, lifetime}) {
    if (summary == nullptr || summary->exchanges < kFirstLook) continue;
    const auto doublings = static_cast<int>(std::log2(static_cast<double>(summary->exchanges) / kFirstLook));
    sighting.parts.push_back({std::min(doublings, kLooks - 1), measure(*summary)});
  }
  return sighting;
}

base::Result<Baseline> Baseline::calibrate(std::span<const Subject> subjects, const Baseline* reference,
                                           std::string name, base::Time made, bool calibrated, const Weights& weights) {
  std::vector<Subject> fitting;
  std::vector<Subject> ranking;
  for (const Subject& s : subjects) {
    if (!s.sightings.empty()) (fits(s) ? fitting : ranking).push_back(s);
  }
  // Whatever order they came in must not matter.
  for (std::vector<Subject>* some : {&fitting, &ranking})
    std::sort(some->begin(), some->end(), [](const Subject& x, const Subject& y) { return x.name < y.name; });
  const size_t seen = fitting.size() + ranking.size();
  if (seen < kSubjectsMin) {
    return base::fail(
        ErrorCode::kInput,
        fmt::format("only {} accounts have {} exchanges or more, {} are needed to calibrate: give more logs", seen,
                    kFirstLook, kSubjectsMin));
  }
  const bool borrow = seen < kSubjectsToFit && reference != nullptr;
  if (borrow) ranking.insert(ranking.end(), fitting.begin(), fitting.end());
  Baseline b = borrow ? *reference : fit(fitting, weights);
  b.name_ = std::move(name);
  b.made_ = made;
  b.calibrated_ = calibrated;
  b.rank(ranking);
  return b;
}

Baseline Baseline::fit(std::span<const Subject> subjects, const Weights& weights) {
  Baseline b;
  b.weights_ = weights;
  // A harvest is broad, so it is held against the broad half of the honest subjects: among all of them, narrow bots and
  // jobs would make any distance look ordinary.
  std::vector<const Subject*> broad;
  for (const Subject& s : subjects) {
    if (!s.sightings.empty()) broad.push_back(&s);
  }
  const auto narrowness = [](const Subject* s) { return s->sightings.back()->parts.back().measurement.meaning.self; };
  std::stable_sort(broad.begin(), broad.end(),
                   [&](const Subject* x, const Subject* y) { return narrowness(x) < narrowness(y); });
  broad.resize((broad.size() + 1) / 2);
  std::vector<Meaning> meanings;
  meanings.reserve(broad.size());
  for (const Subject* s : broad) meanings.push_back(s->sightings.back()->parts.back().measurement.meaning);
  b.crowd_ = Crowd::of(meanings);
  std::vector<Sample> samples;
  for (const Subject* s : broad) {
    for (const auto& sighting : s->sightings) {
      const Sighting::Part& part = sighting->parts.front();
      samples.push_back({part.look, placed(b.crowd_, part.measurement)});
    }
  }
  b.norm_ = Norm::of(samples);
  std::vector<std::vector<double>> scores(kLooks);
  for (const Sample& s : samples) {
    scores[static_cast<size_t>(s.look)].push_back(b.weights_.score(b.norm_, s.values, s.look));
  }
  b.score_ = Trend::of(scores, kScoreDeviationMin);
  return b;
}

void Baseline::rank(std::span<const Subject> subjects) {
  ranks_.clear();
  for (const Subject& s : subjects) {
    if (s.sightings.empty()) continue;
    double strongest = -INFINITY;
    for (const auto& sighting : s.sightings) strongest = std::max(strongest, judge(*sighting).score);
    ranks_.push_back(static_cast<float>(strongest));
  }
  index();
}

void Baseline::index() {
  const std::vector<double> scores(ranks_.begin(), ranks_.end());
  tails_ = std::make_shared<const Tails>(Tails{stats::ConformalTail(scores), stats::BulkTail(scores)});
}

Judgement Baseline::judge(const Sighting& sighting) const {
  Judgement best{-INFINITY, {}, 0};
  for (const Sighting::Part& part : sighting.parts) {
    const Values values = placed(crowd_, part.measurement);
    const double raw = weights_.score(norm_, values, part.look);
    const double scale = std::max(kScoreDeviationMin, std::exp(score_.log_deviation.at(part.look)));
    const double score = (raw - score_.level.at(part.look)) / scale;
    if (score > best.score) best = {score, values, part.look};
  }
  return best;
}

Evidence Baseline::weigh(double score) const {
  Evidence e;
  e.score = score;
  e.calibrated = calibrated_;
  const stats::PValue p = calibrated_ ? tails_->ranks.p(score) : tails_->bulk.p(score);
  e.p_value = p.value;
  e.resolution = p.resolution;
  e.extrapolated = p.extrapolated;
  return e;
}

}  // namespace stillwatch::signals
