// One record into a profile, young and old.
#include <benchmark/benchmark.h>

#include "base/random.h"
#include "profile/profile.h"

namespace {

using stillwatch::features::Features;
using stillwatch::profile::Profile;

std::vector<Features> records() {
  stillwatch::base::Random random(1);
  std::vector<Features> all(4096);
  for (Features& f : all) {
    f.time = stillwatch::base::from_ms(1'772'409'600'000 + static_cast<int64_t>(random.below(1'000'000'000)));
    f.answered = f.meaningful = true;
    f.prompt = random.bits();
    f.opening = random.bits();
    f.closing = random.bits();
    f.network = random.below(3) + 1;
    f.client = 1;
    f.cell = static_cast<uint16_t>(random.below(256));
    f.traits = static_cast<uint32_t>(random.below(1u << 20));
    f.shingle_count = 6;
    for (uint32_t i = 0; i < f.shingle_count; ++i) f.shingles[i] = random.bits();
    f.prompt_words = static_cast<uint32_t>(random.below(500));
    f.output_tokens = static_cast<uint32_t>(random.below(900));
    for (auto& v : f.spectrum) v = static_cast<int8_t>(random.below(100));
  }
  return all;
}

void BM_Add(benchmark::State& state) {
  const std::vector<Features> all = records();
  size_t i = 0;
  Profile profile;
  for (auto _ : state) {
    if (i % static_cast<size_t>(state.range(0)) == 0) profile = Profile();
    profile.add(all[i++ % all.size()]);
  }
  if (profile.exchanges() == 0) state.SkipWithError("nothing was added");
}
BENCHMARK(BM_Add)->Arg(50)->Arg(4000);

void BM_Merge(benchmark::State& state) {
  Profile a;
  for (const Features& f : records()) a.add(f);
  for (auto _ : state) {
    Profile b = a;
    b.merge(a);
    benchmark::DoNotOptimize(b);
  }
}
BENCHMARK(BM_Merge);

}  // namespace
