// Evidence: how unlikely a subject is for a benign one. p_value is conformal: the rank of the score among the strongest
// scores of benign subjects, never below `resolution` unless a fitted tail speaks (`extrapolated`). With a baseline
// that is not the operator's own held-out benign traffic the figure is an estimate, not a promise (`calibrated` false).
#pragma once

#include <vector>

#include "signals/signals.h"

namespace stillwatch::signals {

struct Evidence {
  double score = 0;  // standardised at its volume
  double p_value = 1;
  double resolution = 1;
  bool extrapolated = false;
  bool calibrated = false;
  std::vector<Reading> readings;  // largest share first
};

// Looks happen when a subject's exchanges in the current epoch reach 20, 40, 80, ... A subject's evidence is that of
// its strongest look, as that of every benign subject it is ranked among: so however many looks there are, they cost
// nothing.
constexpr int kLooks = 12;
constexpr uint64_t kFirstLook = 20;
constexpr uint64_t volume_of_look(int look) {
  return kFirstLook << look;
}

}  // namespace stillwatch::signals
