// Logistic regression with a ridge penalty and bounds on the signs of coefficients, for a few hundred columns: Newton
// steps (iteratively reweighted least squares) solved by projected coordinate descent. Deterministic.
//
// Minimises sum_i w_i log(1 + exp(-y_i (b + x_i beta))) + ridge / 2 |beta|^2; the intercept is free and unpenalised.
// Source: the quadratic approximation with coordinate descent of Friedman, Hastie and Tibshirani 2010, section 3.
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
// REQUIRES: rows.size() = labels.size() * signs.size(), weights.size() = labels.size(), both labels present.
LogisticModel fit_logistic(std::span<const float> rows, std::span<const uint8_t> labels, std::span<const double> weights,
                           std::span<const Sign> signs, double ridge);

}  // namespace stillwatch::stats
