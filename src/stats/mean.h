// A mean of few measurements, and how far it may be off: Student 1908.
#pragma once

#include <span>

#include "stats/binomial.h"

namespace stillwatch::stats {

// P(T <= t) of Student's law.
double student_cdf(double t, double degrees);

struct Mean {
  double mean = 0;
  double deviation = 0;  // of the sample (n - 1); 0 of one value
  Interval interval;     // of the mean, two-sided; without bounds where there are fewer than two values
};

// REQUIRES: values are finite.
Mean mean_of(std::span<const double> values, double confidence = 0.95);

}  // namespace stillwatch::stats
