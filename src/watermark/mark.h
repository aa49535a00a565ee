// A mark: how many units a window has, and how the 64 bits of its pseudo-random function are read. One construction
// with three readings, of which every embedder and the one detector know the same:
//
//   green       the window is green if the bits, as a number, are below gamma 2^64 (Kirchenbauer et al. 2023, "A
//   watermark
//               for large language models"); a text's score is how many windows are green.
//   gumbel      u = (top 53 bits + 1/2) / 2^53 is uniform; the score is the sum of -log(1 - u) (Aaronson 2022).
//   tournament  the top `layers` bits are the g-values of as many layers (SynthID-Text, Dathathri et al. 2024); the
//   score
//               is how many are one.
//
// If a text does not depend on the key, its distinct windows have independent bits, so the scores are exactly binomial,
// gamma and binomial. Thread rule: values.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace stillwatch::watermark {

enum class Scheme : uint8_t { kGreen, kGumbel, kTournament };
std::string_view name_of(Scheme scheme);  // green, gumbel, tournament
base::Result<Scheme> scheme_named(std::string_view name);

constexpr int kContextMax = 4;
constexpr int kLayersMax = 64;

struct Mark {
  Scheme scheme = Scheme::kGreen;
  int context = 2;     // units before the scored one that are hashed with it: 1 to kContextMax
  double gamma = 0.5;  // green: share of windows that are, 0.01 to 0.99
  double delta = 2;    // green: added to the logits of green tokens, 0 to 20; the detector does not need it
  int layers = 30;     // tournament: 1 to kLayersMax

  base::Result<void> check() const;
};

// What a window adds to a text's score.
double score_of(const Mark& mark, uint64_t bits);
// Of that, under the null.
double mean_of(const Mark& mark);
double variance_of(const Mark& mark);

inline bool is_green(const Mark& mark, uint64_t bits) {
  return bits < static_cast<uint64_t>(mark.gamma * 0x1.0p64);
}
inline double uniform_of(uint64_t bits) {
  return (static_cast<double>(bits >> 11) + 0.5) * 0x1.0p-53;
}
inline bool layer_of(uint64_t bits, int layer) {
  return (bits >> (63 - layer) & 1) != 0;
}

}  // namespace stillwatch::watermark
