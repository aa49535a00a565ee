// Is a collection of texts marked with this key? One detector for every mark.
//
// Null: the texts do not depend on the key. Then the score of the collection's distinct windows is Binomial(windows,
// gamma), Gamma(windows, 1) or Binomial(layers x windows, 1/2), and the p-value is its exact upper tail:
// P(p <= a) <= a for every a, however the texts came about. Thread rule: pure functions.
#pragma once

#include <cstdint>

#include "watermark/key.h"
#include "watermark/mark.h"
#include "watermark/windows.h"

namespace stillwatch::watermark {

struct Detection {
  uint64_t windows = 0;
  double score = 0;
  double expected = 0;  // of the score, under the null
  double z = 0;         // standard deviations above that, for people
  double log10_p = 0;   // exact
  double p() const;     // 0 below the smallest double
};

// REQUIRES: windows.context() == mark.context.
Detection detect(const Key& key, const Mark& mark, const Windows& windows);

// The same from a score that was counted elsewhere.
Detection detection_of(const Mark& mark, uint64_t windows, double score);

}  // namespace stillwatch::watermark
