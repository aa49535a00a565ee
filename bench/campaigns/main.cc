// How well campaigns are found, how soon, at what cost, and how often honest groups are taken for one, on real prompts:
// a line of JSON a seed. docs/campaigns.md holds the tables and the commands that made them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_map>

#include "campaigns/campaigns.h"
#include "dialect/log_format.h"
#include "features/features.h"
#include "population/simulation.h"

namespace {

namespace campaigns = stillwatch::campaigns;
namespace population = stillwatch::population;
namespace profile = stillwatch::profile;
namespace signals = stillwatch::signals;
using population::AnswerLength;
using population::Group;
using population::Identity;
using population::Rhythm;
using Kind = population::Class;

using Json = nlohmann::ordered_json;

constexpr uint64_t kExchangesMin = 10;  // of an account that is looked at
constexpr uint32_t kParts = 3;          // disjoint parts of every benign source: baseline, benign groups, test

struct Settings {
  std::vector<std::string> prompts;
  std::string timing;
  std::string source = "fireact*";
  std::vector<uint32_t> sizes = {1000};
  uint32_t list = 0;
  double cover = 0.5;
  double days = 2;
  double exchanges_a_day = 26;
  uint64_t seed = 1;
  uint32_t people = 1500;
  uint32_t others = 60;
  uint32_t lookalikes = 100;
  std::string rhythm = "flat";
  std::string network = "unshared";
  uint64_t seeds = 1;
  std::vector<double> looks;
  uint32_t scale = 1;
  size_t linked_max = campaigns::LinkOptions{}.linked_max;
  unsigned threads = 1;
  bool groups = false;
  bool ablate = false;
  uint32_t replaced_after = 0;
  std::string out;
  std::vector<std::string> without;
};

[[noreturn]] void give_up(const stillwatch::base::Error& error) {
  fmt::print(stderr, "{}\n", error.message);
  std::exit(static_cast<int>(error.code));
}

Group group_of(Kind kind, std::string name, uint32_t accounts, double exchanges, uint32_t part) {
  Group g;
  g.kind = kind;
  g.name = std::move(name);
  g.accounts = accounts;
  g.exchanges_median = exchanges;
  g.exchanges_sigma = 0.7;
  g.exchanges_max = 1000;
  g.part = part;
  g.part_of = kParts;
  g.answer_length = AnswerLength::kPeople;
  return g;
}

std::vector<Group> benign_groups(const Settings& s, uint32_t part) {
  const double n = s.exchanges_a_day * s.days;
  std::vector<Group> groups;
  const auto add = [&](Kind kind, std::string name, Rhythm rhythm, AnswerLength answers = AnswerLength::kPeople) {
    Group g = group_of(kind, std::move(name), kind == Kind::kPeople ? s.people : s.others, n, part);
    g.rhythm = rhythm;
    g.answer_length = answers;
    g.persons = kind == Kind::kOffice ? 20 : kind == Kind::kReseller ? 200 : 1;
    g.templates = 24;
    groups.push_back(std::move(g));
  };
  add(Kind::kPeople, "people", Rhythm::kDiurnal);
  add(Kind::kProductBot, "product_bot", Rhythm::kDiurnal);
  add(Kind::kPipeline, "pipeline", Rhythm::kBursts, AnswerLength::kSource);
  add(Kind::kPipeline, "pipeline, long answers", Rhythm::kBursts);
  add(Kind::kLabelling, "labelling", Rhythm::kBursts);
  add(Kind::kEvaluator, "evaluator", Rhythm::kBursts, AnswerLength::kSource);
  add(Kind::kEvaluator, "evaluator, long answers", Rhythm::kBursts);
  add(Kind::kCodingAgent, "coding_agent", Rhythm::kOfficeHours);
  add(Kind::kReseller, "reseller", Rhythm::kDiurnal);
  add(Kind::kOffice, "office", Rhythm::kOfficeHours);
  return groups;
}

// Honest accounts that belong together, and look it.
std::vector<Group> lookalikes(const Settings& s, uint32_t part) {
  const double n = s.exchanges_a_day * s.days;
  std::vector<Group> groups;
  if (s.lookalikes == 0) return groups;
  Group company = group_of(Kind::kPeople, "company", s.lookalikes, n, part);  // one network, one client, office hours
  company.network = company.client = Identity::kShared;
  company.rhythm = Rhythm::kOfficeHours;
  groups.push_back(company);
  Group university = group_of(Kind::kPeople, "university", s.lookalikes, n, part);  // one subject as well
  university.network = Identity::kShared;
  university.sources = {"benign/expertqa*"};
  groups.push_back(university);
  Group app = group_of(Kind::kHarvest, "framed app", s.lookalikes, n, part);  // people's questions in one frame
  app.sources = {"benign/sharegpt*", "benign/chatbot_arena*", "benign/oasst*"};
  app.campaign_size = 1;
  app.wrapping = population::Template::kShared;
  app.client = Identity::kShared;
  groups.push_back(app);
  Group viral = group_of(Kind::kHarvest, "viral prompts", s.lookalikes, n, part);  // half of it what all try today
  viral.sources = {"benign/vicuna*"};
  viral.part_of = 1;
  viral.part = 0;
  viral.campaign_size = 1;
  viral.cover = 0.5;
  viral.cover_part = part;
  viral.cover_part_of = kParts;
  groups.push_back(viral);
  Group course = group_of(Kind::kEvaluator, "course", s.lookalikes, n, part);  // one set of exercises
  course.sources = {"bench/gsm8k*"};
  course.rhythm = Rhythm::kDiurnal;
  groups.push_back(course);
  return groups;
}

std::string hydra_name(uint32_t size) {
  return fmt::format("hydra of {}", size);
}

Group hydra(const Settings& s, uint32_t size, uint32_t part) {
  Group g = group_of(Kind::kHarvest, hydra_name(size), size, s.exchanges_a_day * s.days, part);
  g.exchanges_sigma = 0.2;
  g.part = 0;
  g.part_of = 1;
  g.sources = {"distill/" + s.source};
  g.campaign_size = s.list;
  g.replaced_after = s.replaced_after;
  g.cover = s.cover;
  g.cover_part = part;
  g.cover_part_of = kParts;
  g.rhythm = s.rhythm == "flat" ? Rhythm::kFlat : s.rhythm == "office" ? Rhythm::kOfficeHours : Rhythm::kBursts;
  g.network = s.network == "mixed" ? Identity::kMixed : s.network == "shared" ? Identity::kShared : Identity::kUnshared;
  return g;
}

struct World {
  campaigns::Accounts accounts;
  std::vector<std::string> groups;  // of each account
  std::vector<std::shared_ptr<const profile::Summary>> summaries;
  std::map<std::string, uint64_t> exchanges;  // of each group
};

// Calls `look` with the world as it is after each of `hours`, in their order.
void observe(std::vector<Group> groups, const Settings& s, uint64_t seed, const population::Prompts& prompts,
             const population::Timing& timing, const std::vector<double>& hours,
             const std::function<void(double, World&)>& look) {
  population::Config config;
  config.duration_days = s.days;
  config.seed = seed;
  config.groups = std::move(groups);
  const stillwatch::base::Time start = config.start;
  auto simulation = population::Simulation::start(std::move(config), prompts, timing);
  if (!simulation) give_up(simulation.error());
  std::unordered_map<std::string, std::shared_ptr<profile::Summary>> summaries;
  const auto now = [&](double hour) {
    World w;
    for (const population::Truth& truth : simulation->truths()) {
      const auto known = summaries.find(truth.account);
      if (known == summaries.end()) continue;
      const auto& summary = known->second;
      w.exchanges[truth.group] += summary->exchanges;
      if (summary->exchanges < kExchangesMin) continue;
      w.groups.push_back(truth.group);
      w.accounts.traces.push_back(campaigns::Trace::of(truth.account, *summary));
      w.summaries.push_back(summary);
    }
    w.accounts.summary_of = [&w](uint32_t i) { return w.summaries[i]; };
    look(hour, w);
  };
  stillwatch::dialect::LogParser parser(stillwatch::dialect::LogFormat::kExchange);
  stillwatch::features::FeatureExtractor extractor;
  std::string line;
  size_t next = 0;
  const auto sink = [&](const stillwatch::dialect::Exchange& e) {
    const double hour = std::chrono::duration<double, std::ratio<3600>>(e.time - start).count();
    for (; next < hours.size() && hour > hours[next]; ++next) now(hours[next]);
    auto& summary = summaries[std::string(e.account)];
    if (!summary) summary = std::make_shared<profile::Summary>();
    summary->add(extractor.extract(e));
  };
  while (simulation->next(line)) {
    if (auto ok = parser.parse(line, sink); !ok) give_up(ok.error());
  }
  for (; next < hours.size(); ++next) now(hours[next]);
}

signals::Baseline baseline_of(const World& w) {
  std::vector<signals::Subject> subjects;
  for (size_t i = 0; i < w.groups.size(); ++i) {
    auto sighting = signals::sight(*w.summaries[i], nullptr);
    if (sighting.parts.empty()) continue;
    subjects.push_back(
        {w.accounts.traces[i].account, {std::make_shared<const signals::Sighting>(std::move(sighting))}});
  }
  auto baseline = signals::Baseline::calibrate(subjects, nullptr, "bench", {}, true);
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

constexpr std::array<const char*, campaigns::kLinkKinds> kLinks = {"nearness", "content", "identity", "hours"};

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

// One world, searched at every look: a line of JSON.
Json run(const Settings& s, uint64_t seed, const population::Prompts& prompts, const population::Timing& timing) {
  Stopwatch watch;
  const std::vector<double> end = {24 * s.days};
  watch.enter("simulate");
  std::optional<signals::Baseline> baseline;
  observe(benign_groups(s, 0), s, seed * 100, prompts, timing, end,
          [&](double, World& w) { baseline = baseline_of(w); });
  campaigns::Options options;
  for (const std::string& w : s.without) {
    for (size_t k = 0; k < kLinks.size(); ++k) options.links.use[k] = options.links.use[k] && w != kLinks[k];
    if (w == "complementarity") options.complementarity = false;
  }
  options.links.linked_max = s.linked_max;
  options.threads = s.threads;
  std::optional<campaigns::Reference> reference;
  observe(benign_groups(s, 1), s, seed * 100 + 1, prompts, timing, end, [&](double, World& w) {
    watch.enter("reference");
    auto learnt = campaigns::Reference::of(w.accounts, *baseline, options.complementarity, s.threads);
    if (!learnt) give_up(learnt.error());
    reference = std::move(*learnt);
    watch.enter("simulate");
  });
  std::vector<Group> groups = benign_groups(s, 2);
  for (Group& g : groups) g.accounts *= s.scale;
  for (Group& g : lookalikes(s, 2)) groups.push_back(std::move(g));
  for (const uint32_t size : s.sizes) groups.push_back(hydra(s, size, 2));
  Json looks = Json::array();
  observe(groups, s, seed * 100 + 2, prompts, timing, s.looks.empty() ? end : s.looks, [&](double hour, World& w) {
    options.entering = [&](std::string_view phase) { watch.enter(phase); };
    Json look = judged(campaigns::find(w.accounts, *reference, *baseline, options), w, s);
    look["hour"] = hour;
    if (s.ablate) {
      watch.enter("ablate");
      options.entering = nullptr;
      look["ablated"] = ablated(w, *reference, *baseline, options, s);
    }
    looks.push_back(std::move(look));
    watch.enter("simulate");
  });
  watch.enter("");
  return {{"source", s.source}, {"cover", s.cover},     {"rhythm", s.rhythm}, {"network", s.network},
          {"seed", seed},       {"without", s.without}, {"looks", looks},     {"seconds", watch.told()}};
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

}  // namespace

int main(int argc, char** argv) {
  Settings s;
  CLI::App app("campaigns on real prompts");
  app.add_option("--prompts", s.prompts)->required();
  app.add_option("--timing", s.timing);
  app.add_option("--source", s.source, "Of the hydras' prompts: a glob below distill/")->capture_default_str();
  app.add_option("--sizes", s.sizes, "Accounts of each hydra")->capture_default_str();
  app.add_option("--list", s.list, "Accounts of a hydra that share one list of prompts; 0: all of it")
      ->capture_default_str();
  app.add_option("--cover", s.cover, "Share of its exchanges that people's are copied for")->capture_default_str();
  app.add_option("--days", s.days)->capture_default_str();
  app.add_option("--rate", s.exchanges_a_day, "Exchanges a day, of everybody")->capture_default_str();
  app.add_option("--seed", s.seed, "The first")->capture_default_str();
  app.add_option("--seeds", s.seeds, "How many")->capture_default_str();
  app.add_option("--people", s.people)->capture_default_str();
  app.add_option("--others", s.others, "Accounts of each other honest class")->capture_default_str();
  app.add_option("--lookalikes", s.lookalikes, "Accounts of each look-alike group")->capture_default_str();
  app.add_option("--rhythm", s.rhythm)->check(CLI::IsMember({"flat", "office", "bursts"}))->capture_default_str();
  app.add_option("--network", s.network)->check(CLI::IsMember({"unshared", "mixed", "shared"}))->capture_default_str();
  app.add_option("--without", s.without, "nearness, content, identity, hours, complementarity");
  app.add_option("--looks", s.looks, "Hours after which campaigns are sought; at the end if none is given");
  app.add_option("--scale", s.scale, "Honest accounts of the searched world, times this")->capture_default_str();
  app.add_option("--linked-max", s.linked_max)->capture_default_str();
  app.add_option("--threads", s.threads)->capture_default_str();
  app.add_flag("--ablate", s.ablate, "Search every look's world without each kind of link as well, and by each alone");
  app.add_option("--replaced-after", s.replaced_after, "Exchanges after which a hydra's account is replaced; 0: never");
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
  const std::set<uint64_t> known = s.out.empty() ? std::set<uint64_t>{} : done(s.out);
  for (uint64_t seed = s.seed; seed < s.seed + s.seeds; ++seed) {
    if (known.contains(seed)) continue;
    const std::string line = run(s, seed, *prompts, timing).dump() + "\n";
    if (s.out.empty()) {
      fmt::print("{}", line);
      std::fflush(stdout);
    } else {
      std::ofstream(s.out, std::ios::app) << line;
    }
  }
  return 0;
}
