// How many distinct 64-bit hashes were seen: HyperLogLog (Flajolet et al. 2007) with 2^P one-byte registers, read by
// Ertl's improved raw estimator (arXiv 1702.01284, section 3.2), which needs no bias tables and is exact for none.
// Relative standard error about 1.04 / sqrt(2^P); merge is the register maximum. Thread rule: a value.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "sketch/sparse_array.h"

namespace stillwatch::sketch {

template <int P>
class HyperLogLog {
 public:
  static constexpr size_t kRegisters = size_t{1} << P;
  static constexpr int kRankMax = 64 - P + 1;

  void add(uint64_t hash) {
    const size_t index = hash >> (64 - P);
    const auto rank = static_cast<uint8_t>(std::countl_zero((hash << P) | (uint64_t{1} << (P - 1))) + 1);
    registers_.raise(index, rank);
  }

  double estimate() const {
    double counts[kRankMax + 1] = {};
    registers_.for_each([&](size_t, uint8_t rank) { counts[rank] += 1; });
    counts[0] = static_cast<double>(kRegisters - registers_.nonzero());
    if (counts[0] == kRegisters) return 0;
    constexpr double kM = static_cast<double>(kRegisters);
    double z = kM * tau(1 - counts[kRankMax] / kM);
    for (int k = kRankMax - 1; k >= 1; --k) z = 0.5 * (z + counts[k]);
    z += kM * sigma(counts[0] / kM);
    return kM * kM / (2 * std::log(2.0) * z);
  }

  void merge(const HyperLogLog& other) { registers_.merge_max(other.registers_); }
  bool operator==(const HyperLogLog&) const = default;
  size_t bytes() const { return registers_.bytes(); }
  void write(base::Writer& out) const { registers_.write(out); }
  bool read(base::Reader& in) {
    if (!registers_.read(in)) return false;
    bool valid = true;
    registers_.for_each([&](size_t, uint8_t rank) { valid = valid && rank <= kRankMax; });
    return valid;
  }

 private:
  static double sigma(double x) {
    if (x == 1) return INFINITY;
    double y = 1;
    double z = x;
    for (double previous = -1; z != previous;) {
      x *= x;
      previous = z;
      z += x * y;
      y += y;
    }
    return z;
  }
  static double tau(double x) {
    if (x == 0 || x == 1) return 0;
    double y = 1;
    double z = 1 - x;
    for (double previous = -1; z != previous;) {
      x = std::sqrt(x);
      previous = z;
      y *= 0.5;
      z -= (1 - x) * (1 - x) * y;
    }
    return z / 3;
  }

  SparseArray<uint8_t, kRegisters> registers_;
};

}  // namespace stillwatch::sketch
