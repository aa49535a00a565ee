// Random waves in integers, the same on every machine: frequencies and phases drawn from a normal distribution, and the
// cosine of a phase. Private to the module. Thread rule: pure functions.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "base/random.h"
#include "features/embedding.h"

namespace stillwatch::features {

constexpr int kPhases = 1 << 10;  // of a full turn
constexpr double kPhasesPerRadian = kPhases / (2 * std::numbers::pi);

// Irwin-Hall: no machine's libm has a say.
inline int16_t integer_normal(base::Random& random, int64_t sigma) {
  int64_t sum = 0;
  for (int i = 0; i < 12; ++i) sum += static_cast<int64_t>(random.bits() >> 44);  // 20 bits each
  sum -= 6 * int64_t{1 << 20};
  return static_cast<int16_t>((sum * sigma) >> 20);
}

class Waves {
 public:
  static const Waves& table() {
    static const Waves instance;
    return instance;
  }
  // Times kSpectrumScale; any phase.
  int8_t cosine(int32_t phase) const { return values_[static_cast<uint32_t>(phase) & (kPhases - 1)]; }
  int8_t sine(int32_t phase) const { return cosine(phase - kPhases / 4); }

 private:
  Waves() {
    for (size_t i = 0; i < values_.size(); ++i) {
      values_[i] = static_cast<int8_t>(
          std::lround(kSpectrumScale * std::cos(2 * std::numbers::pi * static_cast<double>(i) / kPhases)));
    }
  }
  std::array<int8_t, kPhases> values_;
};

}  // namespace stillwatch::features
