// JSON lines on their way to findings on one core: parsed; with features and profiles; the whole scan of a file (in the
// page cache), reading, cutting, sorting and all. A walk of simdjson is the anchor.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <simdjson.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "dialect/log_format.h"
#include "pipeline/pipeline.h"
#include "scan/scanner.h"

namespace {

namespace dialect = stillwatch::dialect;
namespace features = stillwatch::features;
namespace pipeline = stillwatch::pipeline;

// Lines of about 2.6 KB: a prompt of about 1.5 KB and an answer of 0.7 KB.
std::vector<std::string> lines(int count = 2000) {
  stillwatch::base::Random random(1);
  const auto text = [&](int words) {
    std::string out;
    for (int i = 0; i < words; ++i) out += fmt::format("{}{} ", "wvdtk"[random.below(5)], random.below(900));
    return out;
  };
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) {
    all.push_back(fmt::format(
        R"({{"time":{},"account":"acct_{}","network":"192.0.2.{}","client":"c","model":"m","status":200,"request":{{"model":"m","temperature":0.7,"messages":[{{"role":"user","content":"{}"}}]}},"response":{{"choices":[{{"index":0,"message":{{"role":"assistant","content":"{}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":300,"completion_tokens":180}}}}}})",
        1'772'445'600 + i, random.below(50), random.below(250), text(310), text(150)));
  }
  return all;
}

int64_t bytes_of(const std::vector<std::string>& all) {
  int64_t total = 0;
  for (const auto& line : all) total += static_cast<int64_t>(line.size());
  return total;
}

void BM_AnchorSimdjsonWalk(benchmark::State& state) {
  const auto all = lines();
  simdjson::dom::parser parser;
  for (auto _ : state) {
    for (const auto& line : all) benchmark::DoNotOptimize(parser.parse(line).error());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * bytes_of(all));
}
BENCHMARK(BM_AnchorSimdjsonWalk);

void BM_Parse(benchmark::State& state) {
  const auto all = lines();
  dialect::LogParser parser(dialect::LogFormat::kExchange);
  const dialect::ExchangeSink sink = [](const dialect::Exchange& e) { benchmark::DoNotOptimize(e.turns.data()); };
  for (auto _ : state) {
    for (const auto& line : all) benchmark::DoNotOptimize(parser.parse(line, sink));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * bytes_of(all));
}
BENCHMARK(BM_Parse);

void BM_Scan(benchmark::State& state) {
  const auto all = lines();
  dialect::LogParser parser(dialect::LogFormat::kExchange);
  features::FeatureExtractor extractor;
  pipeline::Pipeline pipeline(nullptr, {}, {});
  const dialect::ExchangeSink sink = [&](const dialect::Exchange& e) {
    pipeline.observe(e.account, e.organization, extractor.extract(e));
  };
  for (auto _ : state) {
    for (const auto& line : all) benchmark::DoNotOptimize(parser.parse(line, sink));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * bytes_of(all));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * 2000);
}
BENCHMARK(BM_Scan);

// CPU time of all threads: what a core does.
void BM_ScanOfAFile(benchmark::State& state) {
  const auto all = lines(16'000);
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / fmt::format("stillwatch-bench-{}.jsonl", ::getpid());
  {
    std::ofstream file(path, std::ios::binary);
    for (const auto& line : all) file << line << '\n';
  }
  for (auto _ : state) {
    pipeline::Pipeline pipeline(nullptr, {}, {});
    const auto stats = stillwatch::scan::scan({path.string()}, {}, pipeline, nullptr);
    if (!stats || stats->exchanges != all.size()) state.SkipWithError("the scan lost exchanges");
  }
  std::filesystem::remove(path);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * bytes_of(all));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(all.size()));
}
BENCHMARK(BM_ScanOfAFile)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);

}  // namespace
