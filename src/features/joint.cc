#include "features/joint.h"

#include <algorithm>
#include <bit>

#include "base/random.h"
#include "features/waves.h"

namespace stillwatch::features {
namespace {

constexpr double kRadiansOfTrait = 2.5;  // standard deviations of the phases
constexpr double kRadiansOfDoubling = 0.5;

using Turn = std::array<int16_t, kFrequencies>;

struct Turns {
  std::array<Turn, kKinds> kinds;
  std::array<Turn, kWritingTraits> traits;
  std::array<Turn, kScripts> scripts;
  Turn doubling;

  Turns() {
    base::Random random(0x701267);
    const auto draw = [&random](Turn& turn, double radians) {
      const auto sigma = static_cast<int64_t>(radians * kPhasesPerRadian);
      for (int16_t& phase : turn) phase = integer_normal(random, sigma);
    };
    for (Turn& t : kinds) draw(t, kRadiansOfTrait);
    for (Turn& t : traits) draw(t, kRadiansOfTrait);
    for (Turn& t : scripts) draw(t, kRadiansOfTrait);
    draw(doubling, kRadiansOfDoubling);
  }
};

void add(Turn& sum, const Turn& turn, int16_t times = 1) {
  for (size_t f = 0; f < sum.size(); ++f) sum[f] = static_cast<int16_t>(sum[f] + times * turn[f]);
}

// Rounded; lifted above zero first, since a branch on the sign of a wave is a coin toss.
int8_t scaled(int32_t product) {
  constexpr int32_t kUnit = kSpectrumScale * kSpectrumScale / kJointScale;
  constexpr int32_t kLift = 64;
  const auto lifted = static_cast<uint32_t>(product + kUnit / 2 + kLift * kUnit) / kUnit;
  return static_cast<int8_t>(std::clamp(static_cast<int32_t>(lifted) - kLift, -kJointScale, kJointScale));
}

}  // namespace

Spectrum joint_spectrum(const Features& f) {
  static const Turns turns;
  Turn turn{};
  const auto add_set = [&turn](uint32_t bits, const auto& of_bit) {
    for (; bits != 0; bits &= bits - 1) {
      const auto bit = static_cast<size_t>(std::countr_zero(bits));
      if (bit < of_bit.size()) add(turn, of_bit[bit]);
    }
  };
  add_set(f.kinds, turns.kinds);
  add_set(f.traits, turns.traits);
  add(turn, turns.scripts[static_cast<size_t>(f.script)]);
  add(turn, turns.doubling, static_cast<int16_t>(std::bit_width(f.prompt_words)));
  const Waves& waves = Waves::table();
  Spectrum joint;
  for (size_t i = 0; i < kFrequencies; ++i) {
    const int cos{waves.cosine(turn[i])};
    const int sin{waves.sine(turn[i])};
    const int x{f.spectrum[i]};
    const int y{f.spectrum[kFrequencies + i]};
    joint[i] = scaled(x * cos - y * sin);
    joint[kFrequencies + i] = scaled(x * sin + y * cos);
  }
  return joint;
}

}  // namespace stillwatch::features
