#include "campaigns/eigen.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace stillwatch::campaigns {
namespace {

void rotate(double* x, double* y, size_t n, double c, double s) {
  for (size_t k = 0; k < n; ++k) {
    const double a = x[k];
    const double b = y[k];
    x[k] = c * a - s * b;
    y[k] = s * a + c * b;
  }
}

}  // namespace

Eigen symmetric_eigen(std::vector<double> m, size_t n) {
  constexpr int kSweepsMax = 30;
  constexpr double kDone = 1e-18;  // of the trace's square
  std::vector<double> vectors(n * n);
  for (size_t i = 0; i < n; ++i) vectors[i * n + i] = 1;
  double scale = 0;
  for (const double x : m) scale += x * x;
  for (int sweep = 0; sweep < kSweepsMax; ++sweep) {
    double off = 0;
    for (size_t p = 0; p < n; ++p) {
      for (size_t q = p + 1; q < n; ++q) off += m[p * n + q] * m[p * n + q];
    }
    if (off <= kDone * scale) break;
    for (size_t p = 0; p < n; ++p) {
      for (size_t q = p + 1; q < n; ++q) {
        const double element = m[p * n + q];
        if (element * element <= 1e-30 * scale) continue;
        const double theta = (m[q * n + q] - m[p * n + p]) / (2 * element);
        const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1);
        const double s = t * c;
        for (size_t k = 0; k < n; ++k) {
          const double a = m[k * n + p];
          const double b = m[k * n + q];
          m[k * n + p] = c * a - s * b;
          m[k * n + q] = s * a + c * b;
        }
        rotate(&m[p * n], &m[q * n], n, c, s);
        rotate(&vectors[p * n], &vectors[q * n], n, c, s);
      }
    }
  }
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return m[a * n + a] > m[b * n + b]; });
  Eigen out;
  for (const size_t k : order) {
    out.values.push_back(m[k * n + k]);
    out.vectors.insert(out.vectors.end(), vectors.begin() + static_cast<std::ptrdiff_t>(k * n),
                       vectors.begin() + static_cast<std::ptrdiff_t>((k + 1) * n));
  }
  return out;
}

}  // namespace stillwatch::campaigns
