// Logistic regression with a ridge penalty towards a prior and bounds on the signs of coefficients, for a few hundred
// columns: Newton steps (iteratively reweighted least squares) solved by projected coordinate descent. Deterministic.
//
// Minimises sum_i w_i log(1 + exp(-y_i (b + x_i beta))) + ridge / 2 |beta - prior|^2; the intercept is free and
// unpenalised. Source: the quadratic approximation with coordinate descent of Friedman, Hastie and Tibshirani 2010,
// section 3.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace stillwatch::stats {

enum class Sign : uint8_t { kFree, kNonNegative, kNonPositive };

struct LogisticModel {
  double intercept = 0;
  std::vector<double> coefficients;
  double logit(std::span<const float> x) const;
};

// `rows` is row-major, columns = signs.size(); labels are 0 or 1; weights are positive.
// REQUIRES: rows.size() = labels.size() * signs.size(), weights.size() = labels.size(), prior.size() = signs.size() and
// within the signs, both labels present.
LogisticModel fit_logistic(std::span<const float> rows, std::span<const uint8_t> labels,
                           std::span<const double> weights, std::span<const Sign> signs, std::span<const double> prior,
                           double ridge);

}  // namespace stillwatch::stats
