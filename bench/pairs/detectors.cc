#include "detectors.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "profile/summary.h"
#include "signals/crowd.h"

namespace stillwatch::bench {
namespace {

using signals::kSignals;

profile::Summary summary_of(const Window& window) {
  profile::Summary s;
  for (const Query* q : window) s.add(q->features);
  return s;
}

double distance2(const features::Embedding& a, const features::Embedding& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = (a[i] - b[i]) / static_cast<double>(features::kEmbeddingScale);
    sum += d * d;
  }
  return sum;
}

double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

class Shift : public Detector {
 public:
  std::string name() const override { return "kernel means (ours)"; }
  void fit(const Window& reference, std::span<const Window>) override {
    const signals::Meaning all = signals::meaning_of(summary_of(reference));
    crowd_ = {};
    crowd_.mean = all.mean;
    crowd_.self = all.self;
  }
  double score(const Window& window) const override {
    const signals::Meaning m = signals::meaning_of(summary_of(window));
    double cross = 0;
    for (size_t i = 0; i < m.mean.size(); ++i)
      cross += static_cast<double>(m.mean[i]) * static_cast<double>(crowd_.mean[i]);
    return m.self - 2 * cross + crowd_.self;
  }

 private:
  signals::Crowd crowd_;
};

class Signals final : public Shift {
 public:
  std::string name() const override { return "all signals (ours)"; }
  void fit(const Window& reference, std::span<const Window> honest) override {
    Shift::fit(reference, honest);
    for (size_t s = 0; s < kSignals; ++s) {
      std::vector<double> values;
      for (const Window& w : honest) values.push_back(values_of(w)[s]);
      level_[s] = median(values);
      for (double& v : values) v = std::abs(v - level_[s]);
      deviation_[s] = std::max(1e-4, 1.4826 * median(values));
    }
  }
  double score(const Window& window) const override {
    const auto values = values_of(window);
    double sum = 0;
    for (size_t s = 0; s < kSignals; ++s) {
      const double d = std::clamp((values[s] - level_[s]) / deviation_[s], -6.0, 6.0);
      sum += d * d;
    }
    return sum;
  }

 private:
  std::array<double, kSignals> values_of(const Window& window) const {
    const signals::Values raw = signals::measure(summary_of(window)).values;
    std::array<double, kSignals> values;
    std::copy(raw.begin(), raw.end(), values.begin());
    values[0] = Shift::score(window);
    return values;
  }
  std::array<double, kSignals> level_{}, deviation_{};
};

class Mmd final : public Detector {
 public:
  std::string name() const override { return "MMD"; }
  void fit(const Window& reference, std::span<const Window>) override {
    reference_ = reference;
    base::Random random(1);
    std::vector<double> distances;
    for (int i = 0; i < 2000; ++i) {
      distances.push_back(distance2(reference[random.below(reference.size())]->embedding,
                                    reference[random.below(reference.size())]->embedding));
    }
    bandwidth2_ = std::max(1e-6, median(distances));
    within_ = mean_kernel(reference_, reference_, true);
  }
  double score(const Window& w) const override {
    return mean_kernel(w, w, true) - 2 * mean_kernel(w, reference_, false) + within_;
  }

 private:
  double mean_kernel(const Window& a, const Window& b, bool same) const {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      for (size_t j = 0; j < b.size(); ++j) {
        if (!same || i != j) sum += std::exp(-distance2(a[i]->embedding, b[j]->embedding) / (2 * bandwidth2_));
      }
    }
    const auto n = static_cast<double>(a.size());
    return sum / (same ? n * (n - 1) : n * static_cast<double>(b.size()));
  }
  Window reference_;
  double bandwidth2_ = 1;
  double within_ = 0;
};

class Prada final : public Detector {
 public:
  std::string name() const override { return "PRADA"; }
  void fit(const Window&, std::span<const Window>) override {}
  double score(const Window& w) const override {
    std::vector<double> nearest;
    for (size_t i = 1; i < w.size(); ++i) {
      double least = 1e9;
      for (size_t j = 0; j < i; ++j) least = std::min(least, distance2(w[i]->embedding, w[j]->embedding));
      nearest.push_back(std::sqrt(least));
    }
    std::sort(nearest.begin(), nearest.end());
    // Squared correlation with the expected normal order statistics (Blom's approximation).
    const auto n = static_cast<double>(nearest.size());
    double sx = 0, sxx = 0, sxm = 0, smm = 0;
    for (size_t i = 0; i < nearest.size(); ++i) {
      const double m = normal_quantile((static_cast<double>(i) + 1 - 0.375) / (n + 0.25));
      sx += nearest[i];
      sxx += nearest[i] * nearest[i];
      sxm += nearest[i] * m;
      smm += m * m;
    }
    const double variance = sxx - sx * sx / n;
    return variance > 0 ? 1 - sxm * sxm / (variance * smm) : 1;
  }

 private:
  static double normal_quantile(double p) {
    double low = -8, high = 8;
    for (int i = 0; i < 60; ++i) {
      const double middle = (low + high) / 2;
      (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
    }
    return low;
  }
};

}  // namespace

std::unique_ptr<Detector> signals_detector() {
  return std::make_unique<Signals>();
}
std::unique_ptr<Detector> shift_detector() {
  return std::make_unique<Shift>();
}
std::unique_ptr<Detector> mmd_detector() {
  return std::make_unique<Mmd>();
}
std::unique_ptr<Detector> prada_detector() {
  return std::make_unique<Prada>();
}

}  // namespace stillwatch::bench
