// Counts out of trials: exact tails and intervals by the regularised incomplete beta function (continued fraction,
// Lentz 1976; about 1e-13 relative).
#pragma once

#include <cstdint>

namespace stillwatch::stats {

double regularized_beta(double x, double a, double b);

// P(X >= successes), X ~ Binomial(trials, p).
double binomial_tail(uint64_t successes, uint64_t trials, double p);

// Natural logarithms of the same, for tails below the smallest double.
double log_regularized_beta(double x, double a, double b);
double log_binomial_tail(uint64_t successes, uint64_t trials, double p);

struct Interval {
  double low = 0;
  double high = 1;
};

// Clopper and Pearson 1934: two-sided, covers with at least `confidence`.
Interval clopper_pearson(uint64_t successes, uint64_t trials, double confidence = 0.95);

// Wilson 1927: two-sided, covers with `confidence` on average over p; for measures, not for proofs.
Interval wilson(uint64_t successes, uint64_t trials, double confidence = 0.95);

}  // namespace stillwatch::stats
