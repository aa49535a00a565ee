// Signals: named measurements of a summary against the crowd, each with its own meaning in the user's words.
//
// A signal's raw value is compared with what benign subjects show at the same volume (Baseline): the difference in
// robust standard deviations, cut at kDeviationMin and kDeviationMax so that no one signal convicts, times a weight for
// its side, is its share of the score. The score is the sum of shares: additive log-odds up to a constant (Hastie and
// Tibshirani's generalised additive model with hinges), so every share can be shown.
//
// Thread rule: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "profile/summary.h"

namespace stillwatch::signals {

enum class Signal : uint8_t {
  kShift,          // distance of the prompts' distribution from the crowd's (unbiased squared MMD)
  kOffCrowd,       // distance in directions in which benign subjects do not differ from each other
  kSpread,         // how different the subject's prompts are from each other (1 - mean kernel within)
  kCoverage,       // areas of the capability map per 20 exchanges, rarefied (Hurlbert 1971)
  kEvenness,       // chance that two exchanges are of different areas (Simpson 1949)
  kNovelty,        // share of prompts never repeated
  kPhraseNovelty,  // share of five-word phrases that are new
  kTemplate,       // chance that two prompts open with the same words
  kSlotNovelty,    // template concentration times phrase novelty: a fixed frame around fresh content
  kReasoning,
  kGrading,
  kGeneration,
  kPersona,
  kTrajectory,
  kProbing,
  kInstruction,       // share of prompts that begin with an order
  kImpersonal,        // share of prompts that never mention the writer
  kUnconversational,  // share of prompts that do not lean on what was said before
  kSingleTurn,        // share of exchanges without history
  kAnswerLength,      // mean of log2 of output tokens
  kYield,             // log2 of output tokens per word of prompt
  kLengthUniform,     // how alike the lengths of the prompts are (minus the deviation of log2 words)
  kWellFormed,        // share of prompts that start with a capital and end with a full stop
  kSampling,          // share of exchanges that set uncommon sampling parameters (logprobs, n, seed)
  kRhythm,            // evenness of activity over the hours of the week (normalised entropy, for its volume)
  kEndurance,         // active hours per active day
  kClientUniform,     // one client and network for everything
};
constexpr int kSignals = 27;
constexpr double kDeviationMax = 6;    // above typical
constexpr double kDeviationMin = -18;  // below: what a harvest cannot be speaks louder than what it may

struct SignalInfo {
  std::string_view name;   // in JSON and docs
  std::string_view label;  // for people
  std::string_view unit;
};
const SignalInfo& info_of(Signal signal);

using Values = std::array<float, kSignals>;

// One signal of one subject, explained.
struct Reading {
  Signal signal;
  double value = 0;      // raw
  double baseline = 0;   // what benign subjects typically show at this volume
  double deviation = 0;  // in robust standard deviations of benign subjects, cut
  double share = 0;      // of the score; positive speaks for distillation
  std::string explanation;
};

}  // namespace stillwatch::signals
