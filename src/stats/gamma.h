// Sums of exponentials: the exact upper tail of the gamma law by the regularised incomplete gamma function (power
// series below the mean, Lentz's continued fraction above; DLMF 8.7.1 and 8.9.2). Logarithms, for tails below the
// smallest double; about 1e-9 relative at a shape of a million.
#pragma once

namespace stillwatch::stats {

// log P(X >= x), X ~ Gamma(shape, 1). REQUIRES: shape > 0.
double log_gamma_tail(double x, double shape);

}  // namespace stillwatch::stats
