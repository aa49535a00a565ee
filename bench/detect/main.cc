#include <cstdio>
#include <fmt/format.h>
#include "experiment.h"
using namespace stillwatch;
using population::Class; using population::Group; using population::Rhythm; using population::AnswerLength;
int main(int argc, char** argv) {
  auto prompts = population::Prompts::load(argv[1]);
  if (!prompts) { fmt::print(stderr, "{}\n", prompts.error().message); return 3; }
  auto timing = population::Timing::load(std::string(argv[1]) + "/timing");
  fmt::print(stderr, "persistence {:.2f} sources {}\n", prompts->persistence, prompts->sources.size());
  population::Config config; config.duration_days = 20; config.seed = argc > 2 ? std::stoull(argv[2]) : 1;
  const uint32_t scale = argc > 3 ? static_cast<uint32_t>(std::stoul(argv[3])) : 40;
  for (auto kind : {Class::kPeople, Class::kProductBot, Class::kPipeline, Class::kLabelling, Class::kEvaluator, Class::kCodingAgent, Class::kReseller, Class::kOffice}) {
    Group g; g.kind = kind; g.name = population::name_of(kind); g.accounts = kind == Class::kPeople ? 6 * scale : scale; g.exchanges_median = 300; g.exchanges_sigma = 1; g.exchanges_max = 3000;
    if (kind == Class::kOffice) g.persons = 20;
    if (kind == Class::kCodingAgent || kind == Class::kOffice) g.rhythm = Rhythm::kOfficeHours;
    if (kind == Class::kPipeline || kind == Class::kLabelling || kind == Class::kEvaluator) g.rhythm = Rhythm::kBursts;
    g.answer_length = AnswerLength::kPeople;
    if (kind == Class::kPipeline || kind == Class::kEvaluator) g.answer_length = AnswerLength::kSource;
    config.groups.push_back(g);
  }
  for (const char* family : {"alpaca_davinci003", "codealpaca_davinci003", "gpteacher_code", "gpteacher_roleplay", "fireact_gpt4_trajectories"}) {
    for (double cover : {0.0, 0.5}) {
    Group g; g.kind = Class::kHarvest; g.name = fmt::format("{}/{}", family, cover); g.accounts = scale / 2; g.campaign_size = 1; g.exchanges_median = cover > 0 ? 1600 : 700; g.exchanges_max = 3000; g.exchanges_sigma = 0.3;
    g.sources = {fmt::format("distill/{}", family)}; g.cover = cover; g.rhythm = Rhythm::kOfficeHours; g.answer_length = AnswerLength::kPeople;
    config.groups.push_back(g);
    }
  }
  auto all = bench::observe(config, *prompts, *timing);
  if (!all) { fmt::print(stderr, "{}\n", all.error().message); return 3; }
  // TSV of values with the crowd of benign
  std::vector<signals::Subject> benign;
  for (auto& o : *all) if (!o.truth.hostile) { signals::Subject s{o.truth.account, {}}; for (auto& x : o.seen) s.sightings.push_back(x.sighting); benign.push_back(std::move(s)); }
  auto base = signals::Baseline::calibrate(benign, nullptr, "x", {}, true);
  if (!base) { fmt::print(stderr, "{}\n", base.error().message); return 3; }
  fmt::print("group\tlook");
  for (int s = 0; s < signals::kSignals; ++s) fmt::print("\t{}", signals::info_of(static_cast<signals::Signal>(s)).name);
  fmt::print("\n");
  for (auto& o : *all) for (auto& x : o.seen) {
    auto j = base->judge(x.sighting);
    fmt::print("{}\t{}", o.truth.group, x.look);
    for (float v : j.values) fmt::print("\t{:.4f}", v);
    fmt::print("\n");
  }
}
