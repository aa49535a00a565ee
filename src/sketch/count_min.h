// How often a key was seen, and how concentrated all keys are: Count-Min (Cormode and Muthukrishnan 2005), D rows of W
// counters, merged by addition. count() never reads low. collision() estimates the chance that two exchanges drawn at
// random share their key: a row's sum of squares less what W buckets collide by chance (the estimator of fast-AGMS,
// Cormode and Garofalakis 2005, for unsigned rows), averaged over rows. Thread rule: a value.
#pragma once

#include <algorithm>
#include <cstdint>

#include "sketch/sparse_array.h"

namespace stillwatch::sketch {

template <size_t W, size_t D>
class CountMin {
  static_assert((W & (W - 1)) == 0 && D <= 4);

 public:
  void add(uint64_t hash, uint32_t count = 1) {
    for (size_t row = 0; row < D; ++row) counts_.add(slot(hash, row), count);
  }
  uint32_t count(uint64_t hash) const {
    uint32_t least = counts_[slot(hash, 0)];
    for (size_t row = 1; row < D; ++row) least = std::min(least, counts_[slot(hash, row)]);
    return least;
  }
  // 0 for all different, 1 for all equal; unbiased up to the pairs of an exchange with itself. `total` is how many were
  // added.
  double collision(double total) const {
    if (total < 2) return 0;
    double squares = 0;
    counts_.for_each([&](size_t, uint32_t c) { squares += static_cast<double>(c) * (static_cast<double>(c) - 1); });
    const double pairs = squares / D / (total * (total - 1));
    constexpr double kChance = 1.0 / W;
    return std::clamp((pairs - kChance) / (1 - kChance), 0.0, 1.0);
  }

  void merge(const CountMin& other) { counts_.merge_add(other.counts_); }
  bool operator==(const CountMin&) const = default;
  size_t bytes() const { return counts_.bytes(); }
  void write(base::Writer& out) const { counts_.write(out); }
  bool read(base::Reader& in) { return counts_.read(in); }

 private:
  static size_t slot(uint64_t hash, size_t row) { return row * W + ((hash >> (16 * row)) & (W - 1)); }
  SparseArray<uint32_t, W * D> counts_;
};

}  // namespace stillwatch::sketch
