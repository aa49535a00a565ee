// Exchanges written per second, prompts from data/prompts. The answer is checked before it is timed: a run must give as
// many exchanges as its truth says.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "population/simulation.h"

namespace stillwatch::population {
namespace {

Config config_of(Class kind) {
  Group g;
  g.kind = kind;
  g.name = name_of(kind);
  g.accounts = 200;
  g.exchanges_median = 100;
  g.cover = kind == Class::kHarvest ? 0.5 : 0;
  Config config;
  config.groups = {g};
  return config;
}

void simulate(benchmark::State& state, Class kind) {
  static const auto prompts = Prompts::load({STILLWATCH_SOURCE_DIR "/data/prompts"});
  if (!prompts) std::abort();
  const Config config = config_of(kind);
  size_t lines = 0;
  size_t bytes = 0;
  for ([[maybe_unused]] auto _ : state) {
    auto simulation = Simulation::start(config, *prompts, {});
    if (!simulation) std::abort();
    std::string line;
    uint64_t written = 0;
    while (simulation->next(line)) {
      ++written;
      bytes += line.size();
    }
    uint64_t told = 0;
    for (const Truth& t : simulation->truths()) told += t.exchanges;
    if (written == 0 || told != written) std::abort();
    lines += written;
  }
  state.SetItemsProcessed(static_cast<int64_t>(lines));
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}
BENCHMARK_CAPTURE(simulate, people, Class::kPeople);
BENCHMARK_CAPTURE(simulate, product_bot, Class::kProductBot);
BENCHMARK_CAPTURE(simulate, pipeline, Class::kPipeline);
BENCHMARK_CAPTURE(simulate, coding_agent, Class::kCodingAgent);
BENCHMARK_CAPTURE(simulate, harvest, Class::kHarvest);

}  // namespace
}  // namespace stillwatch::population
