#include "signals/crowd.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace stillwatch::signals {
namespace {

using Matrix = std::vector<Mean>;  // symmetric, kSpectrumSize rows

double dot(const Mean& a, const Mean& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

void scale(Mean& v, double factor) {
  for (float& x : v) x = static_cast<float>(x * factor);
}

void subtract(Mean& v, const Mean& w, double factor) {
  for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(v[i] - factor * w[i]);
}

Mean times(const Matrix& m, const Mean& v) {
  Mean result{};
  for (size_t i = 0; i < result.size(); ++i) result[i] = static_cast<float>(dot(m[i], v));
  return result;
}

// The strongest eigenvectors of a positive semidefinite matrix, by orthogonal iteration from a fixed start.
std::vector<Mean> principal_axes(const Matrix& matrix, size_t count) {
  base::Random random(0xc0ffee);
  std::vector<Mean> axes(count);
  for (Mean& axis : axes) {
    for (float& x : axis) x = static_cast<float>(random.normal());
  }
  constexpr int kRounds = 60;
  for (int round = 0; round < kRounds; ++round) {
    for (size_t k = 0; k < axes.size(); ++k) {
      Mean next = times(matrix, axes[k]);
      for (size_t j = 0; j < k; ++j) subtract(next, axes[j], dot(next, axes[j]));
      const double norm = std::sqrt(dot(next, next));
      if (norm < 1e-12) {  // the matrix has no more directions
        axes.resize(k);
        break;
      }
      scale(next, 1 / norm);
      axes[k] = next;
    }
  }
  return axes;
}

}  // namespace

Crowd Crowd::of(std::span<const Meaning> subjects) {
  Crowd crowd;
  const auto n = static_cast<double>(subjects.size());
  if (subjects.empty()) return crowd;
  std::array<double, features::kSpectrumSize> sum{};
  for (const Meaning& s : subjects) {
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += s.mean[i];
  }
  for (size_t i = 0; i < sum.size(); ++i) crowd.mean[i] = static_cast<float>(sum[i] / n);
  crowd.self = dot(crowd.mean, crowd.mean);

  // Covariance of the subjects' means, far subjects drawn in to the median distance so that a few cannot turn the axes.
  std::vector<double> distances;
  std::vector<Mean> centred;
  for (const Meaning& s : subjects) {
    Mean d = s.mean;
    subtract(d, crowd.mean, 1);
    distances.push_back(std::sqrt(dot(d, d)));
    centred.push_back(d);
  }
  std::vector<double> sorted = distances;
  std::nth_element(sorted.begin(), sorted.begin() + sorted.size() / 2, sorted.end());
  const double median = sorted[sorted.size() / 2];
  Matrix covariance(features::kSpectrumSize, Mean{});
  for (size_t k = 0; k < centred.size(); ++k) {
    if (distances[k] > median && median > 0) scale(centred[k], median / distances[k]);
    for (size_t i = 0; i < covariance.size(); ++i) subtract(covariance[i], centred[k], -centred[k][i] / n);
  }
  crowd.axes = principal_axes(covariance, std::min<size_t>(kAxes, subjects.size() / 4));
  double trace = 0;
  double along = 0;
  for (size_t i = 0; i < covariance.size(); ++i) trace += covariance[i][i];
  for (const Mean& axis : crowd.axes) along += dot(times(covariance, axis), axis);
  // One exchange varies about as the subjects do, only more: the same split serves for its noise.
  crowd.rest_noise = trace > 0 ? std::clamp(1 - 0.5 * along / trace, 0.1, 1.0) : 1;
  return crowd;
}

double Crowd::shift(const Meaning& m) const {
  return std::sqrt(std::max(0.0, m.self - 2 * dot(m.mean, mean) + self));
}

double Crowd::off_axes(const Meaning& m) const {
  if (m.count < 2) return 0;
  Mean d = m.mean;
  subtract(d, mean, 1);
  double rest = dot(d, d);
  for (const Mean& axis : axes) rest -= std::pow(dot(d, axis), 2);
  const double noise = (1 - m.self) / m.count * rest_noise;
  return std::sqrt(std::max(0.0, rest - noise));
}

}  // namespace stillwatch::signals
