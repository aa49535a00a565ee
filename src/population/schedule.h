// When things happen: weights for every hour of the simulated span, and starts drawn from them in order of time without
// keeping more than the last one.
#pragma once

#include <vector>

#include "base/random.h"
#include "population/config.h"

namespace stillwatch::population {

class Schedule {
 public:
  // `random` decides the time zone, jitter and bursts.
  Schedule(Rhythm rhythm, base::Time start, double duration_days, base::Random random);

  // The time at which a share u in [0, 1] of all activity has happened, in milliseconds from the start.
  double at(double u) const;
  // The share that has happened by then: the inverse of at(), to the hour.
  double share_before(double ms) const;

 private:
  std::vector<float> cumulative_;  // by hour, last is 1
};

// The smallest of `remaining` uniform draws above `u`: calling it again and again gives sorted uniform draws.
double next_of_sorted(double u, double remaining, base::Random& random);

}  // namespace stillwatch::population
