#include "stats/gamma.h"

#include <algorithm>
#include <cmath>

namespace stillwatch::stats {
namespace {

constexpr int kTermsMax = 1'000'000;
constexpr double kSmall = 1e-16;

// The lower tail over its front factor: sum of x^n / (shape (shape + 1) ... (shape + n)).
double series(double x, double shape) {
  double term = 1 / shape;
  double sum = term;
  for (int n = 1; n < kTermsMax && term > sum * kSmall; ++n) {
    term *= x / (shape + n);
    sum += term;
  }
  return sum;
}

// The upper tail over its front factor.
double continued_fraction(double x, double shape) {
  constexpr double kTiny = 1e-300;
  const auto away = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  double b = x + 1 - shape;
  double c = 1 / kTiny;
  double d = 1 / away(b);
  double h = d;
  for (int n = 1; n < kTermsMax; ++n) {
    const double a = -n * (n - shape);
    b += 2;
    d = 1 / away(a * d + b);
    c = away(b + a / c);
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return h;
}

}  // namespace

double log_gamma_tail(double x, double shape) {
  if (!(x > 0)) return 0;
  const double front = shape * std::log(x) - x - std::lgamma(shape);
  if (x > shape + 1) return front + std::log(continued_fraction(x, shape));
  return std::log1p(-std::min(1.0, std::exp(front) * series(x, shape)));
}

}  // namespace stillwatch::stats
