#include "stats/logistic.h"

#include <algorithm>
#include <cmath>

namespace stillwatch::stats {
namespace {

double project(double value, Sign sign) {
  switch (sign) {
    case Sign::kFree:
      return value;
    case Sign::kNonNegative:
      return std::max(0.0, value);
    case Sign::kNonPositive:
      return std::min(0.0, value);
  }
  return value;
}

// Minimises step' H step / 2 + g' step over steps that keep beta + step within its signs; H is d x d, row-major, and
// positive definite by the ridge. Column d - 1 is the intercept.
std::vector<double> descend(const std::vector<double>& hessian, const std::vector<double>& gradient,
                            const std::vector<double>& beta, std::span<const Sign> signs) {
  const size_t d = beta.size();
  std::vector<double> step(d, 0.0);
  std::vector<double> slope = gradient;  // gradient + H step
  for (int sweep = 0; sweep < 500; ++sweep) {
    double moved = 0;
    for (size_t j = 0; j < d; ++j) {
      const Sign sign = j + 1 < d ? signs[j] : Sign::kFree;
      const double target = project(beta[j] + step[j] - slope[j] / hessian[j * d + j], sign) - beta[j];
      const double change = target - step[j];
      if (change == 0) continue;
      step[j] = target;
      for (size_t k = 0; k < d; ++k) slope[k] += change * hessian[j * d + k];
      moved = std::max(moved, std::abs(change));
    }
    if (moved < 1e-9) break;
  }
  return step;
}

}  // namespace

double LogisticModel::logit(std::span<const float> x) const {
  double sum = intercept;
  for (size_t j = 0; j < x.size(); ++j) sum += coefficients[j] * x[j];
  return sum;
}

LogisticModel fit_logistic(std::span<const float> rows, std::span<const uint8_t> labels,
                           std::span<const double> weights, std::span<const Sign> signs, std::span<const double> prior,
                           double ridge) {
  const size_t columns = signs.size();
  const size_t d = columns + 1;
  const size_t n = labels.size();
  std::vector<double> beta(prior.begin(), prior.end());
  beta.push_back(0);
  const auto logit = [&](size_t i, const std::vector<double>& b) {
    double sum = b[columns];
    for (size_t j = 0; j < columns; ++j) sum += b[j] * rows[i * columns + j];
    return sum;
  };
  const auto loss = [&](const std::vector<double>& b) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) {
      const double z = labels[i] != 0 ? logit(i, b) : -logit(i, b);
      sum += weights[i] * (z > 0 ? std::log1p(std::exp(-z)) : -z + std::log1p(std::exp(z)));
    }
    for (size_t j = 0; j < columns; ++j) sum += ridge / 2 * (b[j] - prior[j]) * (b[j] - prior[j]);
    return sum;
  };
  double best = loss(beta);
  for (int iteration = 0; iteration < 50; ++iteration) {
    std::vector<double> gradient(d, 0.0);
    std::vector<double> hessian(d * d, 0.0);
    for (size_t i = 0; i < n; ++i) {
      const double p = 1 / (1 + std::exp(-logit(i, beta)));
      const double residual = weights[i] * (p - labels[i]);
      const double curvature = weights[i] * std::max(p * (1 - p), 1e-6);
      const auto x = [&](size_t j) { return j < columns ? static_cast<double>(rows[i * columns + j]) : 1.0; };
      for (size_t j = 0; j < d; ++j) {
        const double xj = x(j);
        if (xj == 0) continue;
        gradient[j] += residual * xj;
        for (size_t k = 0; k <= j; ++k) hessian[j * d + k] += curvature * xj * x(k);
      }
    }
    for (size_t j = 0; j < d; ++j) {
      for (size_t k = 0; k < j; ++k) hessian[k * d + j] = hessian[j * d + k];
      hessian[j * d + j] += j < columns ? ridge : 1e-9;
      if (j < columns) gradient[j] += ridge * (beta[j] - prior[j]);
    }
    const std::vector<double> step = descend(hessian, gradient, beta, signs);
    // Halve the step until the loss falls; along the way the signs hold, since the feasible set is convex.
    double improved = 0;
    for (double factor = 1; factor > 1e-4; factor /= 2) {
      std::vector<double> next = beta;
      for (size_t j = 0; j < d; ++j) next[j] += factor * step[j];
      const double value = loss(next);
      if (value < best) {
        improved = best - value;
        best = value;
        beta = std::move(next);
        break;
      }
    }
    if (improved < 1e-8 * (1 + best)) break;
  }
  LogisticModel model;
  model.intercept = beta[columns];
  beta.pop_back();
  model.coefficients = std::move(beta);
  return model;
}

}  // namespace stillwatch::stats
