// The slow twin of what students minimise: definitions written out over whole distributions, in double precision, with
// gradients by differences. For tests.
#pragma once

#include <cmath>
#include <functional>
#include <vector>

#include "distill/divergence.h"

namespace stillwatch::distill {

using Doubles = std::vector<double>;

inline Doubles softmax(const Doubles& logits, double temperature) {
  Doubles p;
  double sum = 0;
  for (const double x : logits) p.push_back(std::exp(x / temperature)), sum += p.back();
  for (double& x : p) x /= sum;
  return p;
}

inline double kl(const Doubles& a, const Doubles& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] > 0) sum += a[i] * std::log(a[i] / b[i]);
  }
  return sum;
}

inline double defined(const Divergence& d, const Doubles& p, const Doubles& q) {
  if (d.kind == Divergence::Kind::kForwardKl) return kl(p, q);
  if (d.kind == Divergence::Kind::kReverseKl) return kl(q, p);
  Doubles m;
  for (size_t i = 0; i < p.size(); ++i) m.push_back(d.beta * p[i] + (1 - d.beta) * q[i]);
  return d.beta * kl(p, m) + (1 - d.beta) * kl(q, m);
}

// The first `known` outcomes as they are, all others as one.
inline Doubles coarsened(const Doubles& p, size_t known) {
  Doubles out(p.begin(), p.begin() + static_cast<std::ptrdiff_t>(known));
  double rest = 0;
  for (size_t i = known; i < p.size(); ++i) rest += p[i];
  out.push_back(rest);
  return out;
}

inline Doubles gradient_of(const std::function<double(const Doubles&)>& f, Doubles at) {
  Doubles gradient;
  for (double& x : at) {
    const double h = 1e-5, before = x;
    x = before + h;
    const double up = f(at);
    x = before - h;
    gradient.push_back((up - f(at)) / (2 * h));
    x = before;
  }
  return gradient;
}

}  // namespace stillwatch::distill
