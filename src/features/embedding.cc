#include "features/embedding.h"

#include <cmath>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/hash.h"
#include "base/random.h"
#include "features/vocabulary.h"
#include "features/waves.h"

namespace stillwatch::features {
namespace {

// Frequencies are in units of a phase per kEmbeddingScale / 2^shift; half of them for a kernel of bandwidth 0.5 and
// half for 1.0: near and far differences both show.
constexpr int kPhaseShift = 14;
constexpr double kBandwidths[] = {0.5, 1.0};

// Row b holds the signs of the eight bits of b.
constexpr auto kSigns = [] {
  std::array<std::array<int16_t, 8>, 256> table{};
  for (size_t b = 0; b < 256; ++b) {
    for (size_t i = 0; i < 8; ++i) table[b][i] = (b >> i) & 1 ? 1 : -1;
  }
  return table;
}();

// Eight coordinates that are added at once (a vector extension of GCC and Clang; the results are those of plain loops).
using Eight = int16_t __attribute__((vector_size(16)));

class Sum {
 public:
  // The row must stay where it is until total().
  void add(const int8_t* row) {
    rows_[waiting_] = row;
    if (++waiting_ == kRows) add_waiting();
  }
  // The vector of `size` times +-1 that the bits of the hash spell.
  void add_signs(uint64_t hash, int32_t size) {
    for (size_t i = 0; i < kEmbeddingSize; ++i) total_[i] += size * kSigns[(hash >> (i & ~size_t{7})) & 0xff][i % 8];
  }
  const std::array<int32_t, kEmbeddingSize>& total() {
    add_waiting();
    return total_;
  }

 private:
  // Sums of so many rows fit in 16 bits.
  static constexpr size_t kRows = INT16_MAX / 128;

  void add_waiting() {
    std::array<Eight, kEmbeddingSize / 8> near{};
    for (size_t r = 0; r < waiting_; ++r) {
      const int8_t* const row = rows_[r];
#pragma GCC unroll 4
      for (size_t i = 0; i < near.size(); i += 2) {
#ifdef __SSE2__
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + 8 * i));
        const __m128i signs = _mm_cmplt_epi8(bytes, _mm_setzero_si128());
        near[i] += reinterpret_cast<Eight>(_mm_unpacklo_epi8(bytes, signs));
        near[i + 1] += reinterpret_cast<Eight>(_mm_unpackhi_epi8(bytes, signs));
#else
        for (size_t k = 0; k < 16; ++k)
          near[i + k / 8][k % 8] = static_cast<int16_t>(near[i + k / 8][k % 8] + row[8 * i + k]);
#endif
      }
    }
    std::array<int16_t, kEmbeddingSize> sums;
    std::memcpy(sums.data(), near.data(), sizeof sums);
    for (size_t i = 0; i < kEmbeddingSize; ++i) total_[i] += sums[i];
    waiting_ = 0;
  }

  std::array<const int8_t*, kRows> rows_;
  size_t waiting_ = 0;
  std::array<int32_t, kEmbeddingSize> total_{};
};

int32_t dot(const std::array<int16_t, kEmbeddingSize>& a, const Embedding& b) {
  int32_t sum = 0;
  for (size_t i = 0; i < kEmbeddingSize; ++i) sum += int32_t{a[i]} * b[i];
  return sum;
}

struct Tables {
  std::array<std::array<int16_t, kEmbeddingSize>, kFrequencies> frequencies;
  std::array<std::array<int16_t, kEmbeddingSize>, 8> planes;
  std::array<int32_t, 8> thresholds;

  Tables() {
    base::Random random(0x5711a7c4);
    for (size_t f = 0; f < kFrequencies; ++f) {
      const double per_unit = kPhasesPerRadian / kBandwidths[f % 2];
      const auto sigma = static_cast<int64_t>(std::lround(per_unit * (1 << kPhaseShift) / kEmbeddingScale));
      for (auto& w : frequencies[f]) w = integer_normal(random, sigma);
    }
    for (auto& plane : planes) {
      for (auto& w : plane) w = integer_normal(random, 256);
    }
    for (size_t i = 0; i < planes.size(); ++i) thresholds[i] = dot(planes[i], Vocabulary::shipped().mean());
  }
};

const Tables& tables() {
  static const Tables instance;
  return instance;
}

}  // namespace

Embedding embed(std::span<const Token> tokens) {
  const Vocabulary& vocabulary = Vocabulary::shipped();
  const int16_t size = vocabulary.rms();
  Sum sum;
  for (const Token& token : tokens) {
    if (token.kind == TokenKind::kWord) {
      if (const int8_t* row = vocabulary.row_of(token.hash); row != nullptr) {
        sum.add(row);
      } else {
        sum.add_signs(base::combine(token.hash, 1), size);
      }
    } else if (token.kind == TokenKind::kIdeograph) {
      sum.add_signs(base::combine(token.hash, 1), static_cast<int16_t>(size / 2));
    } else if (token.kind == TokenKind::kNumber) {
      sum.add_signs(base::combine(token.hash, 1), static_cast<int16_t>(size / 4));
    }
  }
  const auto& total = sum.total();
  int64_t square = 0;
  for (const int32_t v : total) square += int64_t{v} * v;
  Embedding result{};
  if (square == 0) return result;
  const double scale = kEmbeddingScale / std::sqrt(static_cast<double>(square));  // sqrt and / are exactly rounded
  for (size_t i = 0; i < kEmbeddingSize; ++i) result[i] = static_cast<int16_t>(std::lrint(total[i] * scale));
  return result;
}

Spectrum spectrum_of(const Embedding& embedding) {
  const Tables& t = tables();
  const Waves& waves = Waves::table();
  Spectrum spectrum;
  for (size_t f = 0; f < kFrequencies; ++f) {
    const int32_t phase = dot(t.frequencies[f], embedding) >> kPhaseShift;
    spectrum[f] = waves.cosine(phase);
    spectrum[kFrequencies + f] = waves.sine(phase);
  }
  return spectrum;
}

uint16_t cell_of(const Embedding& embedding) {
  uint16_t cell = 0;
  const Tables& t = tables();
  for (size_t i = 0; i < t.planes.size(); ++i)
    cell = static_cast<uint16_t>((cell << 1) | (dot(t.planes[i], embedding) > t.thresholds[i]));
  return cell;
}

}  // namespace stillwatch::features
