// How well harvests are found, and how often honest accounts are taken for one, on real prompts. docs/detection.md
// holds the tables and the commands that made them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>

#include "cast.h"
#include "experiment.h"
#include "fit.h"
#include "stats/binomial.h"

namespace {

using stillwatch::bench::benign_classes;
using stillwatch::bench::benign_groups;
using stillwatch::bench::Class;
using stillwatch::bench::fit_weights;
using stillwatch::bench::harvest;
using stillwatch::bench::kParts;
using stillwatch::bench::Labelled;
using stillwatch::bench::observe;
using stillwatch::bench::Observed;
namespace population = stillwatch::population;
namespace signals = stillwatch::signals;
namespace stats = stillwatch::stats;
using population::Rhythm;

struct Settings {
  std::vector<std::string> prompts;
  std::string timing;
  std::vector<std::string> families;
  std::vector<std::string> without;         // sources not used at all
  std::vector<std::string> people_sources;  // empty: the simulator's usual ones
  uint64_t seed = 1;
  uint64_t seeds = 1;
  uint32_t people = 600;
  uint32_t others = 100;
  double budget = 100;  // of 10,000
  double ridge = 25;
  std::string write_weights;
  bool shipped = false;
};

using Accounts = std::vector<Observed>;

struct World {
  Accounts benign[kParts];
  std::map<std::string, Accounts> train, test;
};

struct Tally {
  uint64_t hits = 0;
  uint64_t all = 0;
  std::vector<uint64_t> exchanges;  // when flagged
};

[[noreturn]] void give_up(const stillwatch::base::Error& error) {
  fmt::print(stderr, "{}\n", error.message);
  std::exit(static_cast<int>(error.code));
}

class Benchmark {
 public:
  Benchmark(const Settings& settings, const population::Prompts& prompts, const population::Timing& timing)
      : settings_(settings), prompts_(prompts), timing_(timing) {}

  World make_world(uint64_t seed) const {
    World w;
    for (uint32_t part = 0; part < kParts; ++part) {
      w.benign[part] =
          run(benign_groups(part, settings_.people, settings_.others, settings_.people_sources), seed * 100 + part);
    }
    for (const std::string& family : settings_.families) {
      std::vector<population::Group> groups;
      for (const double cover : {0.0, 0.25, 0.5, 0.75}) {
        for (const Rhythm rhythm : {Rhythm::kOfficeHours, Rhythm::kFlat, Rhythm::kJittered}) {
          groups.push_back(
              disguise(harvest(family, cover, 400 + 1200 * cover, std::max(4u, settings_.others / 8), 0, rhythm)));
        }
      }
      w.train[family] = run(groups, seed * 100 + 10);
      if (!settings_.write_weights.empty()) continue;
      w.test[family] = run({disguise(harvest(family, 0, 310, settings_.others, kParts - 1, Rhythm::kOfficeHours)),
                            disguise(harvest(family, 0.5, 1520, settings_.others, kParts - 1, Rhythm::kOfficeHours))},
                           seed * 100 + 20);
    }
    return w;
  }

  signals::Weights fit(const World& w, const std::string& family_out, const std::string& class_out) const {
    std::vector<Labelled> labelled;
    std::map<std::string, double> sizes;
    for (const Observed& o : w.benign[0]) sizes[o.truth.group] += 1;
    for (const Observed& o : w.benign[0]) {
      // Every class weighs the same, people twice.
      const double weight = 1000.0 / static_cast<double>(sizes.size() + 1) / sizes[o.truth.group];
      if (o.truth.group != class_out) labelled.push_back({&o, o.truth.group == "people" ? 2 * weight : weight});
    }
    for (const auto& [family, accounts] : w.train) {
      if (family == family_out) continue;
      for (const Observed& o : accounts) {
        labelled.push_back({&o, 1000.0 / static_cast<double>(w.train.size()) / static_cast<double>(accounts.size())});
      }
    }
    return fit_weights(labelled, signals::Baseline::fit(subjects(w.benign[0], class_out)), settings_.ridge);
  }

  signals::Baseline baseline(const World& w, const signals::Weights& weights, const std::string& class_out) const {
    signals::Baseline b = signals::Baseline::fit(subjects(w.benign[0], class_out), weights);
    b.rank(subjects(w.benign[1], class_out));
    b.trust();
    return b;
  }

  void judge(const signals::Baseline& b, const Accounts& accounts, std::map<std::string, Tally>& tallies) const {
    const double threshold = settings_.budget / 10'000;
    for (const Observed& o : accounts) {
      Tally& t = tallies[o.truth.group];
      ++t.all;
      for (const auto& seen : o.seen) {
        if (b.weigh(b.judge(*seen.sighting).score).p_value > threshold) continue;
        ++t.hits;
        t.exchanges.push_back(seen.exchanges);
        break;
      }
    }
  }

 private:
  population::Group disguise(population::Group g) const {
    g.cover_sources = settings_.people_sources;
    return g;
  }

  Accounts run(std::vector<population::Group> groups, uint64_t seed) const {
    population::Config config;
    config.duration_days = 20;
    config.seed = seed;
    config.split = seed / 100;  // every world divides the sources anew
    config.groups = std::move(groups);
    auto all = observe(config, prompts_, timing_);
    if (!all) give_up(all.error());
    return std::move(*all);
  }

  static std::vector<signals::Subject> subjects(const Accounts& accounts, const std::string& class_out) {
    std::vector<signals::Subject> out;
    for (const Observed& o : accounts) {
      if (o.truth.group == class_out) continue;
      signals::Subject s{o.truth.account, {}};
      for (const auto& seen : o.seen) s.sightings.push_back(seen.sighting);
      out.push_back(std::move(s));
    }
    return out;
  }

  const Settings& settings_;
  const population::Prompts& prompts_;
  const population::Timing& timing_;
};

void print(const char* title, std::map<std::string, Tally>& tallies, bool exchanges) {
  fmt::print("\n{}\n\n| group | accounts | flagged | share | 95 % interval |{}\n|---|---:|---:|---:|---|{}\n", title,
             exchanges ? " exchanges until flagged (median) |" : "", exchanges ? "---:|" : "");
  for (auto& [name, t] : tallies) {
    const auto interval = stats::clopper_pearson(t.hits, t.all);
    fmt::print("| {} | {} | {} | {:.1f} % | {:.1f} .. {:.1f} % |", name, t.all, t.hits,
               100.0 * static_cast<double>(t.hits) / static_cast<double>(t.all), 100 * interval.low,
               100 * interval.high);
    if (exchanges) {
      std::sort(t.exchanges.begin(), t.exchanges.end());
      fmt::print(" {} |", t.exchanges.empty() ? std::string("-") : std::to_string(t.exchanges[t.exchanges.size() / 2]));
    }
    fmt::print("\n");
  }
  std::fflush(stdout);
}

void write_weights(const std::string& path, const signals::Weights& weights, const Settings& settings) {
  FILE* out = std::fopen(path.c_str(), "wb");
  if (out == nullptr) give_up({stillwatch::base::ErrorCode::kInternal, path + " cannot be written"});
  fmt::print(out, "{{\n  \"version\": 1,\n  \"fitted_on\": \"{}\",\n  \"weights\": {{\n",
             fmt::join(settings.families, ", "));
  for (size_t s = 0; s < signals::kSignals; ++s) {
    fmt::print(out, "    \"{}\": [{:.3f}, {:.3f}]{}\n", signals::info_of(static_cast<signals::Signal>(s)).name,
               weights.up[s], weights.down[s], s + 1 < signals::kSignals ? "," : "");
  }
  fmt::print(out, "  }}\n}}\n");
  std::fclose(out);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Detection measured on simulated accounts that send real prompts");
  Settings s;
  app.add_option("PROMPTS", s.prompts, "Folders of prompts")->required();
  app.add_option("--timing", s.timing, "Folder of token counts");
  app.add_option("--families", s.families, "Sources under distill/ that are harvested")->delimiter(',')->required();
  app.add_option("--without", s.without, "Globs of sources to leave out altogether")->delimiter(',');
  app.add_option("--people", s.people_sources, "Globs of the sources people draw from")->delimiter(',');
  app.add_option("--seed", s.seed, "First seed");
  app.add_option("--seeds", s.seeds, "How many worlds");
  app.add_option("--accounts", s.people, "People a part");
  app.add_option("--others", s.others, "Accounts of every other class");
  app.add_option("--budget", s.budget, "False alarms per 10,000");
  app.add_option("--ridge", s.ridge, "Penalty on weights");
  app.add_option("--write-weights", s.write_weights, "Fit on all families, write the weights and stop");
  app.add_flag("--shipped", s.shipped, "Judge with the shipped weights instead of fitting");
  CLI11_PARSE(app, argc, argv);

  auto prompts = population::Prompts::load(s.prompts);
  if (!prompts) give_up(prompts.error());
  std::erase_if(prompts->sources, [&](const population::Source& source) {
    return std::any_of(s.without.begin(), s.without.end(), [&](const std::string& glob) {
      return population::glob_matches(glob, source.folder + "/" + source.name);
    });
  });
  population::Timing timing;
  if (!s.timing.empty()) {
    auto loaded = population::Timing::load(s.timing);
    if (!loaded) give_up(loaded.error());
    timing = std::move(*loaded);
  }
  const Benchmark bench(s, *prompts, timing);
  std::map<std::string, Tally> recall, alarms, unseen;
  for (uint64_t seed = s.seed; seed < s.seed + s.seeds; ++seed) {
    const World world = bench.make_world(seed);
    if (!s.write_weights.empty()) {
      write_weights(s.write_weights, bench.fit(world, "", ""), s);
      return 0;
    }
    for (const std::string& family : s.families) {
      const auto b = bench.baseline(world, s.shipped ? signals::shipped_weights() : bench.fit(world, family, ""), "");
      bench.judge(b, world.test.at(family), recall);
      // The shipped weights are the same for every family: one judgement of the honest is enough.
      if (!s.shipped || family == s.families.front()) bench.judge(b, world.benign[2], alarms);
    }
    for (const Class& c : benign_classes()) {
      const auto b =
          bench.baseline(world, s.shipped ? signals::shipped_weights() : bench.fit(world, "", c.name), c.name);
      std::map<std::string, Tally> all;
      bench.judge(b, world.benign[2], all);
      Tally& t = unseen[c.name];
      t.hits += all[c.name].hits;
      t.all += all[c.name].all;
    }
    fmt::print(stderr, "seed {} done\n", seed);
  }
  fmt::print("Budget {:g} in 10,000; {} seeds; {} weights.\n", s.budget, s.seeds, s.shipped ? "shipped" : "fitted");
  print(s.shipped ? "Harvests found" : "Harvests found, their family left out of the weights", recall, true);
  print("Honest accounts flagged", alarms, false);
  print(s.shipped ? "Honest accounts flagged, their class left out of calibration"
                  : "Honest accounts flagged, their class left out of weights and calibration",
        unseen, false);
  return 0;
}
