// The slow twin of divergences: definitions written out over whole distributions, in double precision. For tests.
#pragma once

#include <cmath>
#include <vector>

#include "distill/divergence.h"

namespace stillwatch::distill::test {

using Doubles = std::vector<double>;

inline Doubles softmax(const Doubles& logits, double temperature = 1) {
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

}  // namespace stillwatch::distill::test
