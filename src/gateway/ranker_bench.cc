// The ranking of a hundred thousand accounts, half of them judged: how long it takes to have one, and for how long at
// most nothing is observed meanwhile.
#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>

#include "base/random.h"
#include "gateway/ranker.h"

namespace stillwatch::gateway {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kAccounts = 100'000;

double ms_since(Clock::time_point begun) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
}

features::Features question(base::Random& random, int i) {
  features::Features f;
  f.time = base::from_ms(1'772'409'600'000 + i * 60'000);
  f.answered = f.meaningful = true;
  for (int8_t& v : f.spectrum) v = static_cast<int8_t>(random.below(200));
  f.cell = static_cast<uint16_t>(random.below(features::kCells));
  f.prompt = random.bits();
  f.opening = random.bits();
  f.prompt_words = 5 + static_cast<uint32_t>(random.below(50));
  f.output_tokens = 50 + static_cast<uint32_t>(random.below(400));
  return f;
}

std::unique_ptr<Observer> crowd(std::shared_ptr<const signals::Baseline> baseline) {
  auto pipeline = std::make_unique<pipeline::Pipeline>(std::move(baseline), verdict::Labels(), pipeline::Options{});
  base::Random random(1);
  for (int account = 0; account < kAccounts; ++account) {
    const std::string name = "acct_" + std::to_string(account);
    for (int i = 0; i < (account % 2 == 0 ? 21 : 3); ++i) pipeline->observe(name, "", question(random, i));
  }
  return std::make_unique<Observer>(std::move(pipeline), [](const auto&) { return false; });
}

void ranking(benchmark::State& state, std::shared_ptr<const signals::Baseline> baseline) {
  const auto observer = crowd(std::move(baseline));
  base::Random random(2);
  double stall_ms = 0, rank_ms = 0;
  for (auto _ : state) {
    std::atomic<bool> done{false};
    std::thread observing([&] {  // what a reading thread does, and how long it has to wait
      for (int i = 0; !done; ++i) {
        const auto begun = Clock::now();
        observer->visit([&](pipeline::Pipeline& p) { p.observe("acct_1", "", question(random, i)); });
        stall_ms = std::max(stall_ms, ms_since(begun));
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      }
    });
    const auto begun = Clock::now();
    Ranker ranker(*observer, [] { return base::Time(); });
    if (ranker.latest()->places.size() != kAccounts) state.SkipWithError("accounts are missing");
    rank_ms = ms_since(begun);
    done = true;
    observing.join();
  }
  state.counters["rank_ms"] = rank_ms;
  state.counters["longest_stall_ms"] = stall_ms;
}

void by_a_baseline(benchmark::State& state) {
  ranking(state, signals::Baseline::reference());
}
void by_the_traffic_itself(benchmark::State& state) {
  ranking(state, nullptr);
}
BENCHMARK(by_a_baseline)->Unit(benchmark::kMillisecond)->Iterations(3);
BENCHMARK(by_the_traffic_itself)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace stillwatch::gateway
