// Features of a prompt of 1.5 KB, beside plain reads of the same bytes.
#include <benchmark/benchmark.h>

#include <string>

#include "base/hash.h"
#include "base/random.h"
#include "features/features.h"

namespace {

namespace dialect = stillwatch::dialect;
namespace features = stillwatch::features;

constexpr std::string_view kWords[] = {"the",   "river", "model",   "how",     "between", "garden",  "of", "question",
                                       "paper", "and",   "weather", "because", "a",       "machine", "in", "winter"};

std::string prompt(size_t bytes) {
  stillwatch::base::Random random(1);
  std::string text;
  while (text.size() < bytes) {
    text += kWords[random.below(std::size(kWords))];
    text += random.chance(0.1) ? ". " : " ";
  }
  text.resize(bytes);
  return text;
}

void BM_Extract(benchmark::State& state) {
  const std::string text = prompt(static_cast<size_t>(state.range(0)));
  dialect::Exchange e;
  e.account = "a";
  e.turns.push_back({dialect::Role::kUser, text, 0, 0});
  features::FeatureExtractor extractor;
  if (!extractor.extract(e).meaningful) state.SkipWithError("no features");
  for (auto _ : state) benchmark::DoNotOptimize(extractor.extract(e));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(BM_Extract)->Arg(150)->Arg(1500)->Arg(32'000);

void BM_Tokenize(benchmark::State& state) {
  const std::string text = prompt(1500);
  std::vector<features::Token> storage;
  for (auto _ : state) benchmark::DoNotOptimize(features::tokenize(text, storage).size());
}
BENCHMARK(BM_Tokenize);

void BM_Embed(benchmark::State& state) {
  const std::string text = prompt(1500);
  std::vector<features::Token> storage;
  const std::span<const features::Token> tokens = features::tokenize(text, storage);
  for (auto _ : state) benchmark::DoNotOptimize(features::embed(tokens));
}
BENCHMARK(BM_Embed);

void BM_SpectrumAndCell(benchmark::State& state) {
  std::vector<features::Token> storage;
  const features::Embedding e = features::embed(features::tokenize(prompt(1500), storage));
  for (auto _ : state) {
    benchmark::DoNotOptimize(features::spectrum_of(e));
    benchmark::DoNotOptimize(features::cell_of(e));
  }
}
BENCHMARK(BM_SpectrumAndCell);

void BM_AnchorHashBytes(benchmark::State& state) {
  const std::string text = prompt(1500);
  for (auto _ : state) benchmark::DoNotOptimize(stillwatch::base::hash64(text));
}
BENCHMARK(BM_AnchorHashBytes);

}  // namespace
