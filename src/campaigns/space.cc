#include "campaigns/space.h"

#include <algorithm>
#include <cmath>

#include "campaigns/eigen.h"

namespace stillwatch::campaigns {
namespace {

constexpr double kVolumeMin = 4;       // below, 1 / n says nothing new
constexpr double kCut = 9;             // squared positions beyond so many medians count as so many
constexpr double kScaleMin = 1e-4;     // of a coordinate: one that never varies is left out
constexpr double kCoordinateMost = 3;  // of a point: no one axis tells where an account leans
constexpr double kLengthMost = 0.8;    // of a point, in lengths that a standard normal one has
constexpr double kVarianceMin = 1e-3;
constexpr double kRidge = 0.05;  // added to variances: what few benign accounts say of small ones is not believed

double volume_of(const Trace& t) {
  return std::max(kVolumeMin, static_cast<double>(t.exchanges));
}

// In eight sums, since one would wait for itself.
template <typename Sum, typename X>
double inner(const X* x, const float* y, size_t size) {
  Sum sum[8] = {};
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    for (size_t k = 0; k < 8; ++k) sum[k] += static_cast<Sum>(x[i + k]) * static_cast<Sum>(y[i + k]);
  }
  double total = 0;
  for (const Sum s : sum) total += static_cast<double>(s);
  for (; i < size; ++i) total += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  return total;
}

double dot(const Coordinates& a, const Coordinates& b) {
  return inner<double>(a.data(), b.data(), a.size());
}

}  // namespace

Space Space::fit(std::span<const Trace* const> benign) {
  Space space;
  const auto n = static_cast<double>(benign.size());
  if (benign.empty()) return space;
  std::array<double, kCoordinates> sum{}, squares{};
  for (const Trace* t : benign) {
    for (size_t i = 0; i < kCoordinates; ++i) {
      const double x = t->mean[i];
      sum[i] += x;
      squares[i] += x * x;
    }
  }
  for (size_t i = 0; i < kCoordinates; ++i) {
    const double mean = sum[i] / n;
    const double deviation = std::sqrt(std::max(0.0, squares[i] / n - mean * mean));
    space.mean_[i] = static_cast<float>(mean);
    space.scale_[i] = deviation < kScaleMin ? 0 : static_cast<float>(1 / deviation);
  }

  std::vector<Coordinates> centred(benign.size());
  std::vector<double> lengths;
  for (size_t k = 0; k < benign.size(); ++k) {
    for (size_t i = 0; i < kCoordinates; ++i) centred[k][i] = (benign[k]->mean[i] - space.mean_[i]) * space.scale_[i];
    lengths.push_back(std::sqrt(dot(centred[k], centred[k])));
  }
  std::vector<double> sorted = lengths;
  std::nth_element(sorted.begin(), sorted.begin() + sorted.size() / 2, sorted.end());
  const double median = sorted[sorted.size() / 2];
  std::vector<double> covariance(kCoordinates * kCoordinates);
  for (size_t k = 0; k < centred.size(); ++k) {
    const double draw = lengths[k] > median && median > 0 ? median / lengths[k] : 1;
    for (size_t i = 0; i < kCoordinates; ++i) {
      const double x = centred[k][i] * draw * draw / n;
      for (size_t j = 0; j < kCoordinates; ++j) covariance[i * kCoordinates + j] += x * centred[k][j];
    }
  }
  const Eigen eigen = symmetric_eigen(std::move(covariance), kCoordinates);

  const size_t count = std::min(kCoordinates, benign.size() / 4);
  std::vector<double> squared(benign.size());
  double typical = 0;
  for (size_t a = 0; a < count; ++a) {
    Axis axis;
    for (size_t i = 0; i < kCoordinates; ++i)
      axis.direction[i] = static_cast<float>(eigen.vectors[a * kCoordinates + i]);
    for (size_t k = 0; k < centred.size(); ++k) squared[k] = std::pow(dot(centred[k], axis.direction), 2);
    std::vector<double> order = squared;
    std::nth_element(order.begin(), order.begin() + order.size() / 2, order.end());
    const double cut = kCut * order[order.size() / 2] / 0.455;  // the median of a squared standard normal
    // Least squares on (1, 1 / n); where one of the two comes out negative the other speaks alone.
    double s0 = 0, s1 = 0, s2 = 0, t0 = 0, t1 = 0;
    for (size_t k = 0; k < squared.size(); ++k) {
      const double x = 1 / volume_of(*benign[k]);
      const double y = std::min(squared[k], cut);
      s0 += 1, s1 += x, s2 += x * x, t0 += y, t1 += x * y;
    }
    const double determinant = s0 * s2 - s1 * s1;
    axis.chance = determinant > 1e-12 ? (s0 * t1 - s1 * t0) / determinant : 0;
    axis.chance = std::clamp(axis.chance, 0.0, t1 / s2);
    axis.nature = std::max(0.0, (t0 - axis.chance * s1) / s0);
    typical += axis.nature + axis.chance * s1 / s0;
    space.axes_.push_back(axis);
  }
  // Shrunk towards the common variance: with few accounts the weakest axes look weaker than they are.
  typical /= static_cast<double>(std::max<size_t>(1, count));
  const double shrink = 0.5 * static_cast<double>(count) / (static_cast<double>(count) + n);
  for (Axis& axis : space.axes_) axis.nature = std::max(kVarianceMin, (1 - shrink) * axis.nature + shrink * typical);
  return space;
}

Point Space::place(const Trace& t) const {
  Coordinates x{};
  for (size_t i = 0; i < kCoordinates; ++i) x[i] = (t.mean[i] - mean_[i]) * scale_[i];
  Point p(axes_.size());
  for (size_t a = 0; a < axes_.size(); ++a) {
    const double deviation = std::sqrt(axes_[a].nature + axes_[a].chance / volume_of(t));
    p[a] = static_cast<float>(std::clamp(dot(x, axes_[a].direction) / deviation, -kCoordinateMost, kCoordinateMost));
  }
  // Drawn in: far accounts are far in some direction of their own, and would lean any way by chance.
  const double most = kLengthMost * std::sqrt(static_cast<double>(p.size()));
  const double length = std::sqrt(campaigns::dot(p, p));
  if (length > most) {
    for (float& z : p) z = static_cast<float>(z * most / length);
  }
  return p;
}

Whitening Whitening::of(std::span<const Point> benign) {
  Whitening w;
  if (benign.empty()) return w;
  const size_t axes = benign.front().size();
  const auto n = static_cast<double>(benign.size());
  std::vector<double> mean(axes);
  for (const Point& p : benign) {
    for (size_t i = 0; i < axes; ++i) mean[i] += static_cast<double>(p[i]) / n;
  }
  std::vector<double>& m = w.factor_;
  m.resize(axes * (axes + 1) / 2);
  std::vector<double> x(axes);
  for (const Point& p : benign) {
    for (size_t i = 0; i < axes; ++i) x[i] = static_cast<double>(p[i]) - mean[i];
    for (size_t i = 0, at = 0; i < axes; ++i) {
      const double part = x[i] / n;
      for (size_t j = 0; j <= i; ++j) m[at++] += part * x[j];
    }
  }
  const auto row = [&m](size_t i) { return &m[i * (i + 1) / 2]; };
  for (size_t i = 0; i < axes; ++i) {
    row(i)[i] += kRidge;
    for (size_t j = 0; j <= i; ++j) {
      double rest = row(i)[j];
      for (size_t k = 0; k < j; ++k) rest -= row(i)[k] * row(j)[k];
      row(i)[j] = i == j ? std::sqrt(std::max(rest, kRidge)) : rest / row(j)[j];
    }
  }
  return w;
}

Point Whitening::turn(const Point& p) const {
  Point out(p.size());
  for (size_t i = 0, at = 0; i < p.size(); ++i) {
    const double rest = static_cast<double>(p[i]) - inner<double>(&factor_[at], out.data(), i);
    at += i;
    out[i] = static_cast<float>(rest / factor_[at++]);
  }
  return out;
}

double dot(const Point& x, const Point& y) {
  return inner<float>(x.data(), y.data(), x.size());
}

Point direction_of(Point x) {
  const double length = std::sqrt(dot(x, x));
  if (length > 0) {
    for (float& v : x) v = static_cast<float>(v / length);
  }
  return x;
}

}  // namespace stillwatch::campaigns
