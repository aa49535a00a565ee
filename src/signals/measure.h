// From a summary to numbers: the values of all signals that need no crowd, and the mean spectrum that the others
// compare with one. Both are what calibration keeps of a subject at a look.
//
// Statistics on means are unbiased for the volume: pairs of an exchange with itself are left out (the U-statistic of
// Gretton et al. 2012, lemma 6). Shares are of answered exchanges. Thread rule: pure functions.
#pragma once

#include <array>

#include "profile/summary.h"
#include "signals/signals.h"

namespace stillwatch::signals {

using Mean = std::array<float, features::kSpectrumSize>;  // of unit vectors: norm at most 1

struct Meaning {
  Mean mean{};
  double self = 0;   // unbiased mean kernel between two different exchanges of the subject
  double count = 0;  // exchanges with words
};

struct Measurement {
  Values values{};  // kShift and kOffCrowd are 0: Crowd fills them
  Meaning meaning;
};

Meaning meaning_of(const profile::Summary& s);
Measurement measure(const profile::Summary& s);

// Expected number of different areas in a sample of `draws` exchanges without replacement (Hurlbert 1971, eq. 4).
double rarefied_richness(const profile::Summary& s, double draws);

}  // namespace stillwatch::signals
