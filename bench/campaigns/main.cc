// How well campaigns are found, how soon, at what cost, and how often honest groups are taken for one, on real prompts:
// a line of JSON a seed. docs/campaigns.md holds the tables and the commands that made them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "campaigns/campaigns.h"
#include "world.h"

namespace stillwatch::bench {
namespace {

using population::Group;

using Json = nlohmann::ordered_json;

signals::Baseline baseline_of(const World& w, const signals::Weights& weights) {
  std::vector<signals::Subject> subjects;
  for (size_t i = 0; i < w.groups.size(); ++i) {
    auto sighting = signals::sight(*w.summaries[i], nullptr);
    if (sighting.parts.empty()) continue;
    subjects.push_back(
        {w.accounts.traces[i].account, {std::make_shared<const signals::Sighting>(std::move(sighting))}});
  }
  auto baseline = signals::Baseline::calibrate(subjects, nullptr, "bench", {}, true, weights);
  if (!baseline) give_up(baseline.error());
  return std::move(*baseline);
}

// Wall clock and CPU by phase.
class Stopwatch {
 public:
  void enter(std::string_view phase) {
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    const double cpu = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
    if (!phase_.empty()) {
      spent_[phase_].first += wall - wall_;
      spent_[phase_].second += cpu - cpu_;
    }
    phase_ = phase;
    wall_ = wall;
    cpu_ = cpu;
  }
  Json told() const {
    Json out = Json::object();
    for (const auto& [phase, spent] : spent_) out[phase] = {rounded(spent.first), rounded(spent.second)};
    return out;
  }

 private:
  static double rounded(double seconds) { return std::round(seconds * 100) / 100; }
  std::string phase_;
  double wall_ = 0;
  double cpu_ = 0;
  std::map<std::string, std::pair<double, double>> spent_;
};

// What became of each hydra and which honest groups were taken for one.
Json judged(const std::vector<campaigns::Campaign>& found, const World& w, const Settings& s) {
  std::map<std::string, size_t> of_group;
  for (const std::string& g : w.groups) ++of_group[g];
  Json hydras = Json::object(), mistaken = Json::array(), all = Json::array();
  for (const uint32_t size : s.sizes) {
    const std::string name = hydra_name(size);
    const auto asked = w.exchanges.find(name);
    hydras[name] = {{"accounts", of_group[name]},
                    {"exchanges", asked == w.exchanges.end() ? 0 : asked->second},
                    {"found", 0},
                    {"others", 0}};
  }
  for (const campaigns::Campaign& c : found) {
    std::map<std::string, size_t> mix;
    for (const uint32_t m : c.members) ++mix[w.groups[m]];
    const auto most =
        std::max_element(mix.begin(), mix.end(), [](const auto& x, const auto& y) { return x.second < y.second; });
    const size_t members = c.members.size();
    if (c.q_value <= campaigns::kFalseCampaignsMax) {
      if (hydras.contains(most->first) && 2 * most->second > members) {
        Json& h = hydras[most->first];
        h["found"] = h["found"].get<size_t>() + most->second;
        h["others"] = h["others"].get<size_t>() + members - most->second;
      } else {
        mistaken.push_back({{"of", most->first}, {"accounts", mix}});
      }
    }
    if (s.groups) {
      all.push_back({{"p", c.p_value.value},
                     {"q", c.q_value},
                     {"score", c.judged.score},
                     {"overlap", c.judged.overlap},
                     {"core", c.core.size()},
                     {"judged", c.judged_size},
                     {"accounts", mix}});
    }
  }
  Json out = {{"accounts", of_group}, {"hydras", hydras}, {"false", mistaken}, {"sought", found.size()}};
  if (s.groups) out["groups"] = all;
  return out;
}

constexpr std::array<const char*, campaigns::kLinkKinds> kLinks = {"nearness", "content", "identity", "hours",
                                                                   "succession"};

// The same world searched without each kind of link, and by each alone.
Json ablated(const World& w, const campaigns::Reference& reference, const signals::Baseline& baseline,
             const campaigns::Options& options, const Settings& s) {
  Json out = Json::object();
  for (size_t k = 0; k < kLinks.size(); ++k) {
    for (const bool alone : {false, true}) {
      campaigns::Options some = options;
      for (size_t j = 0; j < kLinks.size(); ++j) some.links.use[j] = (j == k) == alone;
      const std::string name = fmt::format("{} {}", alone ? "only" : "without", kLinks[k]);
      out[name] = judged(campaigns::find(w.accounts, reference, baseline, some), w, s);
    }
  }
  return out;
}

signals::Weights weights_of(const std::string& path) {
  if (path.empty()) return signals::shipped_weights();
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto weights = signals::Weights::parse(text);
  if (!weights) give_up(weights.error());
  return *weights;
}

// Whom a baseline is made of.
std::vector<Group> calm_groups(const Settings& s, uint32_t part) {
  std::vector<Group> groups = benign_groups(s, part);
  if (!s.known_lookalikes) return groups;
  for (Group& g : lookalikes(s, part)) groups.push_back(std::move(g));
  return groups;
}

// One world, searched at every look: a line of JSON.
Json run(const Settings& s, const signals::Weights& weights, uint64_t seed, const population::Prompts& prompts,
         const population::Timing& timing) {
  Stopwatch watch;
  const std::vector<double> end = {24 * s.days};
  watch.enter("simulate");
  std::optional<signals::Baseline> baseline;
  observe(calm_groups(s, 0), s, seed * 100, prompts, timing, end,
          [&](double, World& w) { baseline = baseline_of(w, weights); });
  campaigns::Options options;
  for (const std::string& w : s.without) {
    for (size_t k = 0; k < kLinks.size(); ++k) options.links.use[k] = options.links.use[k] && w != kLinks[k];
  }
  options.links.linked_max = s.linked_max;
  options.threads = s.threads;
  std::optional<campaigns::Reference> reference;
  observe(calm_groups(s, 1), s, seed * 100 + 1, prompts, timing, end, [&](double, World& w) {
    watch.enter("reference");
    auto learnt = campaigns::Reference::of(w.accounts, *baseline, s.threads);
    if (!learnt) give_up(learnt.error());
    reference = std::move(*learnt);
    watch.enter("simulate");
  });
  std::vector<Group> groups = benign_groups(s, 2);
  for (Group& g : groups) g.accounts *= s.scale;
  for (Group& g : lookalikes(s, 2)) groups.push_back(std::move(g));
  for (const uint32_t size : s.sizes) groups.push_back(hydra(s, size, 2));
  Json looks = Json::array();
  std::map<std::string, std::string> flagged;  // accounts in a flagged campaign at any look so far, with their groups
  observe(groups, s, seed * 100 + 2, prompts, timing, s.looks.empty() ? end : s.looks, [&](double hour, World& w) {
    options.entering = [&](std::string_view phase) { watch.enter(phase); };
    const std::vector<campaigns::Campaign> found = campaigns::find(w.accounts, *reference, *baseline, options);
    Json look = judged(found, w, s);
    look["hour"] = hour;
    for (const campaigns::Campaign& c : found) {
      if (c.q_value > campaigns::kFalseCampaignsMax) continue;
      for (const uint32_t m : c.members) flagged.emplace(w.accounts.traces[m].account, w.groups[m]);
    }
    std::map<std::string, size_t> ever;
    for (const auto& [account, group] : flagged) ++ever[group];
    look["ever"] = ever;
    if (s.ablate) {
      watch.enter("ablate");
      options.entering = nullptr;
      look["ablated"] = ablated(w, *reference, *baseline, options, s);
    }
    looks.push_back(std::move(look));
    watch.enter("simulate");
  });
  watch.enter("");
  return {{"source", s.source},   {"strategy", s.strategy}, {"seed", seed},
          {"without", s.without}, {"looks", looks},         {"seconds", watch.told()}};
}

// The seeds that a file of results has already.
std::set<uint64_t> done(const std::string& path) {
  std::set<uint64_t> seeds;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (json.is_object() && json.contains("seed")) seeds.insert(json["seed"].get<uint64_t>());
  }
  return seeds;
}

int measure(int argc, char** argv) {
  Settings s;
  CLI::App app("campaigns on real prompts");
  app.add_option("--prompts", s.prompts)->required();
  app.add_option("--timing", s.timing);
  app.add_option("--source", s.source, "Of the hydras' prompts: a glob below distill/")->capture_default_str();
  app.add_option("--sizes", s.sizes, "Accounts of each hydra")->capture_default_str();
  app.add_option("--strategy", s.strategy, "Of the hydras: keys of a population's group of class harvest")
      ->capture_default_str();
  app.add_option("--days", s.days)->capture_default_str();
  app.add_option("--rate", s.exchanges_a_day, "Exchanges a day, of everybody")->capture_default_str();
  app.add_option("--seed", s.seed, "The first")->capture_default_str();
  app.add_option("--seeds", s.seeds, "How many")->capture_default_str();
  app.add_option("--people", s.people)->capture_default_str();
  app.add_option("--others", s.others, "Accounts of each other honest class")->capture_default_str();
  app.add_option("--lookalikes", s.lookalikes, "Accounts of each look-alike group")->capture_default_str();
  app.add_flag("--known-lookalikes", s.known_lookalikes, "The baseline has seen as many of each look-alike group");
  app.add_option("--without", s.without, "nearness, content, identity, hours, succession");
  app.add_option("--weights", s.weights, "Of signals, as stillwatch_bench_detect --write-weights writes them")
      ->check(CLI::ExistingFile);
  app.add_option("--looks", s.looks, "Hours after which campaigns are sought; at the end if none is given");
  app.add_option("--scale", s.scale, "Honest accounts of the searched world, times this")->capture_default_str();
  app.add_option("--linked-max", s.linked_max)->capture_default_str();
  app.add_option("--threads", s.threads)->capture_default_str();
  app.add_flag("--ablate", s.ablate, "Search every look's world without each kind of link as well, and by each alone");
  app.add_flag("--groups", s.groups, "Tell of every group");
  app.add_option("--out", s.out, "Append to this file, leaving out the seeds that it has");
  CLI11_PARSE(app, argc, argv);
  auto prompts = population::Prompts::load(s.prompts);
  if (!prompts) give_up(prompts.error());
  population::Timing timing;
  if (!s.timing.empty()) {
    auto loaded = population::Timing::load(s.timing);
    if (!loaded) give_up(loaded.error());
    timing = std::move(*loaded);
  }
  const signals::Weights weights = weights_of(s.weights);
  const std::set<uint64_t> known = s.out.empty() ? std::set<uint64_t>{} : done(s.out);
  for (uint64_t seed = s.seed; seed < s.seed + s.seeds; ++seed) {
    if (known.contains(seed)) continue;
    const std::string line = run(s, weights, seed, *prompts, timing).dump() + "\n";
    if (s.out.empty()) {
      fmt::print("{}", line);
      std::fflush(stdout);
    } else {
      std::ofstream(s.out, std::ios::app) << line;
    }
  }
  return 0;
}

}  // namespace
}  // namespace stillwatch::bench

int main(int argc, char** argv) {
  return stillwatch::bench::measure(argc, argv);
}
