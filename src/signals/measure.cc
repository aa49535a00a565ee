#include "signals/measure.h"

#include <algorithm>
#include <cmath>

namespace stillwatch::signals {
namespace {

using features::Kind;
using features::Trait;
using profile::Summary;

constexpr double kCoverageDraws = 20;

struct Moments {
  double mean = 0;
  double deviation = 0;
};

// Of log2 of the sizes in a histogram of two bins a doubling.
template <size_t N>
Moments log2_moments(const sketch::SparseArray<uint32_t, N>& histogram) {
  double n = 0;
  double sum = 0;
  double squares = 0;
  histogram.for_each([&](size_t bin, uint32_t count) {
    const double x = (static_cast<double>(bin) + 0.5) / 2;
    n += count;
    sum += count * x;
    squares += count * x * x;
  });
  if (n == 0) return {};
  const double mean = sum / n;
  return {mean, std::sqrt(std::max(0.0, squares / n - mean * mean))};
}

// Chance that two different exchanges fall into the same bin.
template <size_t N>
double collision(const sketch::SparseArray<uint32_t, N>& counts) {
  double n = 0;
  double same = 0;
  counts.for_each([&](size_t, uint32_t c) {
    n += c;
    same += static_cast<double>(c) * (static_cast<double>(c) - 1);
  });
  return n < 2 ? 0 : same / (n * (n - 1));
}

// How far the hours of the week are from one hour (0) to as even as so many exchanges can be (1).
double hour_entropy(const Summary& s) {
  double entropy = 0;
  const auto n = static_cast<double>(s.exchanges);
  s.hours_of_week.for_each([&](size_t, uint32_t c) { entropy -= c / n * std::log2(c / n); });
  return entropy / std::log2(std::clamp(n, 2.0, static_cast<double>(profile::kHoursOfWeek)));
}

double hours_per_day(const Summary& s) {
  if (s.active.days().empty()) return 0;
  double hours = 0;
  for (const auto& day : s.active.days()) hours += std::popcount(day.hours);
  return hours / static_cast<double>(s.active.days().size());
}

double log2_distinct_share(double distinct, double total) {
  return total < 1 || distinct < 1 ? 0 : std::min(0.0, std::log2(distinct / total));
}

double either(const Summary& s, std::initializer_list<Trait> traits) {
  double sum = 0;
  for (const Trait t : traits) sum += s.share(t);
  return std::min(1.0, sum);
}

}  // namespace

double rarefied_richness(const Summary& s, double draws) {
  const auto n = static_cast<double>(s.cells.sum());
  if (n <= draws) return static_cast<double>(s.cells.nonzero());
  double areas = 0;
  s.cells.for_each([&](size_t, uint32_t count) {
    const double c = count;
    // 1 - C(n - c, draws) / C(n, draws), by log-gamma; certain to be met when fewer than `draws` exchanges lie
    // elsewhere.
    const double missed = n - c < draws ? 0
                                        : std::exp(std::lgamma(n - c + 1) - std::lgamma(n - c - draws + 1) -
                                                   std::lgamma(n + 1) + std::lgamma(n - draws + 1));
    areas += 1 - missed;
  });
  return areas;
}

Meaning meaning_of(const Summary& s) {
  Meaning m;
  m.count = static_cast<double>(s.meaningful);
  if (s.meaningful == 0) return m;
  // One spectrum has squared norm kFrequencies * kSpectrumScale^2 up to rounding; scaled to 1.
  const double unit = features::kSpectrumScale * std::sqrt(static_cast<double>(features::kFrequencies));
  double square = 0;
  for (size_t i = 0; i < m.mean.size(); ++i) {
    const double sum = static_cast<double>(s.spectrum[i]) / unit;
    square += sum * sum;
    m.mean[i] = static_cast<float>(sum / m.count);
  }
  m.self = s.meaningful < 2 ? 1 : (square - m.count) / (m.count * (m.count - 1));
  return m;
}

Measurement measure(const Summary& s) {
  Measurement out;
  out.meaning = meaning_of(s);
  const auto set = [&](Signal signal, double value) {
    out.values[static_cast<size_t>(signal)] = static_cast<float>(value);
  };
  const auto n = static_cast<double>(s.meaningful);

  // An opening never equals a closing: of all pairs of keys half could agree.
  const double template_share = std::min(1.0, 2 * s.edges.collision(2 * n));
  const double phrase_novelty = log2_distinct_share(s.shingles.estimate(), static_cast<double>(s.shingle_count));
  const Moments words = log2_moments(s.prompt_words);
  const Moments output = log2_moments(s.output);

  set(Signal::kSpread, 1 - out.meaning.self);
  set(Signal::kCoverage, rarefied_richness(s, kCoverageDraws));
  set(Signal::kEvenness, 1 - collision(s.cells));
  set(Signal::kNovelty, log2_distinct_share(s.prompts.estimate(), n));
  set(Signal::kPhraseNovelty, phrase_novelty);
  set(Signal::kTemplate, std::log2(template_share + 1.0 / 256));
  set(Signal::kSlotNovelty, std::sqrt(template_share) * std::exp2(phrase_novelty));
  set(Signal::kReasoning, s.share(Kind::kReasoning));
  set(Signal::kGrading, s.share(Kind::kGrading));
  set(Signal::kGeneration, s.share(Kind::kGeneration));
  set(Signal::kPersona, s.share(Kind::kPersona));
  set(Signal::kTrajectory, s.share(Kind::kTrajectory));
  set(Signal::kProbing, s.share(Kind::kProbing));
  set(Signal::kInstruction, s.share(Kind::kInstruction));
  set(Signal::kImpersonal, 1 - s.share(Kind::kPersonal));
  set(Signal::kUnconversational, 1 - s.share(Kind::kFollowUp));
  set(Signal::kSingleTurn, 1 - s.share(Trait::kHistory));
  set(Signal::kAnswerLength, output.mean);
  set(Signal::kYield, output.mean - words.mean);
  set(Signal::kLengthUniform, -words.deviation);
  set(Signal::kWellFormed, std::min(s.share(Trait::kCapitalStart), s.share(Trait::kTerminalEnd)));
  set(Signal::kSampling,
      either(s, {Trait::kLogprobs, Trait::kChoices, Trait::kSeed, Trait::kReasoningAsked, Trait::kHot}));
  set(Signal::kRhythm, s.exchanges == 0 ? 0 : hour_entropy(s));
  set(Signal::kEndurance, hours_per_day(s));
  set(Signal::kClientUniform, -std::log2(std::max(1.0, s.networks.estimate()) * std::max(1.0, s.clients.estimate())));
  return out;
}

}  // namespace stillwatch::signals
