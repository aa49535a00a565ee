#include <fmt/format.h>

#include <cstdio>
#include <algorithm>
#include <cstdlib>
#include <map>

#include "experiment.h"
#include "fit.h"
#include "stats/binomial.h"

using namespace stillwatch;
using bench::Observed;
using population::AnswerLength;
using population::Class;
using population::Group;
using population::Rhythm;

constexpr Class kBenign[] = {Class::kPeople,    Class::kProductBot,  Class::kPipeline, Class::kLabelling,
                             Class::kEvaluator, Class::kCodingAgent, Class::kReseller, Class::kOffice};
const std::vector<std::string> kFamilies = {"alpaca_davinci003", "codealpaca_davinci003", "gpteacher_code", "gpteacher_roleplay",
                                            "fireact_gpt4_trajectories"};

std::vector<Group> benign_groups(uint32_t part, uint32_t people, uint32_t others) {
  std::vector<Group> groups;
  for (const Class kind : kBenign) {
    Group g;
    g.kind = kind;
    g.name = population::name_of(kind);
    g.accounts = kind == Class::kPeople ? people : others;
    g.exchanges_median = 250;
    g.exchanges_sigma = 1.1;
    g.exchanges_max = 3000;
    g.part = part;
    g.part_of = 4;
    if (kind == Class::kOffice) g.persons = 20;
    if (kind == Class::kCodingAgent || kind == Class::kOffice) g.rhythm = Rhythm::kOfficeHours;
    if (kind == Class::kPipeline || kind == Class::kLabelling || kind == Class::kEvaluator) g.rhythm = Rhythm::kBursts;
    const bool short_answers = kind == Class::kPipeline || kind == Class::kEvaluator;
    g.answer_length = short_answers ? AnswerLength::kSource : AnswerLength::kPeople;
    groups.push_back(g);
  }
  return groups;
}

Group harvest(const std::string& family, double cover, double exchanges, uint32_t accounts, uint32_t part, Rhythm rhythm) {
  Group g;
  g.kind = Class::kHarvest;
  g.name = fmt::format("{}/{:.0f}", family, 100 * cover);
  g.accounts = accounts;
  g.campaign_size = 1;
  g.exchanges_median = exchanges;
  g.sources = {"distill/" + family};
  g.cover = cover;
  // Cover is drawn from the part; the family itself is one source, wholly left out where it is tested.
  g.cover_sources = {"benign/sharegpt*", "benign/chatbot_arena*", "benign/oasst*", "benign/expertqa*", "benign/nq_open*"};
  g.part = part;
  g.part_of = 4;
  g.rhythm = rhythm;
  g.answer_length = AnswerLength::kPeople;
  return g;
}

int main(int argc, char** argv) {
  auto prompts = population::Prompts::load(argv[1]);
  if (!prompts) {
    fmt::print(stderr, "{}\n", prompts.error().message);
    return 3;
  }
  auto timing = population::Timing::load(std::string(argv[1]) + "/timing");
  const uint64_t seed = argc > 2 ? std::stoull(argv[2]) : 1;
  const auto scale = static_cast<uint32_t>(argc > 3 ? std::stoul(argv[3]) : 40);
  const double ridge = argc > 4 ? std::stod(argv[4]) : 1;
  std::vector<Observed> benign[4];
  std::map<std::string, std::vector<Observed>> train, test;
  const auto run = [&](std::vector<Group> groups, uint64_t s) {
    population::Config config;
    config.duration_days = 20;
    config.seed = s;
    config.groups = std::move(groups);
    auto all = bench::observe(config, *prompts, *timing);
    if (!all) {
      fmt::print(stderr, "{}\n", all.error().message);
      std::exit(3);
    }
    return std::move(*all);
  };
  for (uint32_t part = 0; part < 4; ++part) benign[part] = run(benign_groups(part, 6 * scale, scale), seed * 100 + part);
  for (const std::string& family : kFamilies) {
    std::vector<Group> groups;
    for (const double cover : {0.0, 0.25, 0.5, 0.75}) {
      for (const Rhythm rhythm : {Rhythm::kOfficeHours, Rhythm::kFlat, Rhythm::kJittered}) {
        groups.push_back(harvest(family, cover, 400 + 1200 * cover, scale / 8, 0, rhythm));
      }
    }
    train[family] = run(groups, seed * 100 + 10);
    test[family] = run({harvest(family, 0, 330, scale, 3, Rhythm::kOfficeHours), harvest(family, 0.5, 1600, scale, 3, Rhythm::kOfficeHours)},
                       seed * 100 + 20);
  }
  const auto subjects = [](const std::vector<Observed>& accounts, std::string_view without) {
    std::vector<signals::Subject> out;
    for (const Observed& o : accounts) {
      if (o.truth.kind == without) continue;
      signals::Subject s{o.truth.account, {}};
      for (const auto& seen : o.seen) s.sightings.push_back(seen.sighting);
      out.push_back(std::move(s));
    }
    return out;
  };
  const signals::Baseline norm = signals::Baseline::fit(subjects(benign[1], ""));
  const auto fit = [&](const std::string& family_out, std::string_view class_out) {
    std::vector<bench::Labelled> labelled;
    std::map<std::string_view, double> sizes;
    for (const Observed& o : benign[0]) sizes[o.truth.kind] += 1;
    for (const Observed& o : benign[0]) {
      if (o.truth.kind == class_out) continue;
      labelled.push_back({&o, 1000.0 / static_cast<double>(std::size(kBenign)) / sizes[o.truth.kind]});
    }
    for (const auto& [family, accounts] : train) {
      if (family == family_out) continue;
      for (const Observed& o : accounts) labelled.push_back({&o, 1000.0 / static_cast<double>(kFamilies.size()) / static_cast<double>(accounts.size())});
    }
    return bench::fit_weights(labelled, norm, ridge);
  };
  constexpr double kBudget = 0.01;
  const auto flagged = [&](const signals::Baseline& b, const Observed& o, double* best = nullptr) {
    bool hit = false;
    for (const auto& seen : o.seen) {
      const auto j = b.judge(seen.sighting);
      const auto e = b.weigh(j.score, seen.look);
      hit = hit || e.p_value <= kBudget / signals::kLooks;
      if (best) *best = std::max(*best, j.score);
    }
    return hit;
  };
  for (const std::string& family : kFamilies) {
    const signals::Weights w = fit(family, "");
    signals::Baseline base = signals::Baseline::fit(subjects(benign[1], ""), w);
    base.rank(subjects(benign[2], ""));
    base.trust();
    const auto* b = &base;
    std::map<std::string, std::pair<int, int>> counts;
    for (const Observed& o : test[family]) {
      auto& [hits, all] = counts[o.truth.group];
      hits += flagged(*b, o);
      ++all;
    }
    for (const auto& [group, c] : counts) fmt::print("recall {:36s} {:4d}/{:4d} = {:.3f}\n", group, c.first, c.second, 1.0 * c.first / c.second);
    std::map<std::string_view, std::pair<int, int>> alarms;
    for (const Observed& o : benign[3]) {
      auto& [hits, all] = alarms[o.truth.kind];
      hits += flagged(*b, o);
      ++all;
    }
    std::map<std::string, std::vector<double>> best;
    for (const Observed& o : test[family]) { double x = -99; flagged(*b, o, &x); best[o.truth.group].push_back(x); }
    for (const Observed& o : benign[3]) { double x = -99; flagged(*b, o, &x); best[std::string(o.truth.kind)].push_back(x); }
    for (auto& [k, v] : best) { std::sort(v.begin(), v.end()); fmt::print("    {:32s} q05 {:6.2f} q50 {:6.2f} q95 {:6.2f} q99 {:6.2f} max {:6.2f}\n", k, v[v.size()/20], v[v.size()/2], v[v.size()*95/100], v[v.size()*99/100], v.back()); }
    if (std::getenv("DEV")) for (size_t s = 0; s < signals::kSignals; ++s) {
      fmt::print("    {:18s} w {:6.2f} {:6.2f} ", signals::info_of(static_cast<signals::Signal>(s)).name, w.up[s], w.down[s]);
      for (const std::string g : {family + "/0", family + "/50", std::string("people"), std::string("reseller")}) {
        double sum = 0; int n = 0;
        for (const auto* set : {&test[family], &benign[3]}) for (const Observed& o : *set) if (o.truth.group == g && !o.seen.empty()) { auto j = b->judge(o.seen.back().sighting); sum += b->norm().deviation(static_cast<signals::Signal>(s), j.values, j.look); ++n; }
        fmt::print(" {:6.2f}", sum / n);
      }
      fmt::print("\n");
    }
    fmt::print("  false alarms");
    for (const auto& [kind, c] : alarms) fmt::print(" {} {}/{}", kind, c.first, c.second);
    fmt::print("\n");
    if (family == kFamilies[0]) {
      for (size_t s = 0; s < signals::kSignals; ++s) fmt::print("    {:18s} {:7.3f} {:7.3f}\n", signals::info_of(static_cast<signals::Signal>(s)).name, w.up[s], w.down[s]);
    }
  }
}
