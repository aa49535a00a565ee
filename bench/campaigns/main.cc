// How well campaigns are found, and how often honest groups are taken for one, on real prompts. docs/campaigns.md holds
// the tables and the commands that made them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <map>
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

constexpr uint32_t kParts = 3;  // disjoint parts of every benign source: baseline, benign groups, test

struct Settings {
  std::vector<std::string> prompts;
  std::string timing;
  std::string source = "fireact*";
  std::vector<uint32_t> sizes = {1000};
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
  bool groups = false;
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

Group hydra(const Settings& s, uint32_t size, uint32_t part) {
  Group g = group_of(Kind::kHarvest, fmt::format("hydra of {}", size), size, s.exchanges_a_day * s.days, part);
  g.exchanges_sigma = 0.2;
  g.part = 0;
  g.part_of = 1;
  g.sources = {"distill/" + s.source};
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
};

World observe(std::vector<Group> groups, const Settings& s, uint64_t seed, const population::Prompts& prompts,
              const population::Timing& timing) {
  population::Config config;
  config.duration_days = s.days;
  config.seed = seed;
  config.groups = std::move(groups);
  auto simulation = population::Simulation::start(config, prompts, timing);
  if (!simulation) give_up(simulation.error());
  std::unordered_map<std::string, std::shared_ptr<profile::Summary>> summaries;
  stillwatch::dialect::LogParser parser(stillwatch::dialect::LogFormat::kExchange);
  stillwatch::features::FeatureExtractor extractor;
  std::string line;
  const auto sink = [&](const stillwatch::dialect::Exchange& e) {
    auto& summary = summaries[std::string(e.account)];
    if (!summary) summary = std::make_shared<profile::Summary>();
    summary->add(extractor.extract(e));
  };
  while (simulation->next(line)) {
    if (auto ok = parser.parse(line, sink); !ok) give_up(ok.error());
  }
  World w;
  for (const population::Truth& truth : simulation->truths()) {
    auto summary = summaries[truth.account];
    if (summary->exchanges < 10) continue;
    w.groups.push_back(truth.group);
    w.accounts.traces.push_back(campaigns::Trace::of(truth.account, *summary));
    w.summaries.push_back(std::move(summary));
  }
  return w;
}

campaigns::Accounts& ready(World& w) {
  w.accounts.summary_of = [&w](uint32_t i) { return w.summaries[i]; };
  return w.accounts;
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

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

namespace {

// One world, searched: prints what became of each hydra and which honest groups were taken for one.
void run(const Settings& s, uint64_t seed, const population::Prompts& prompts, const population::Timing& timing) {
  World first = observe(benign_groups(s, 0), s, seed * 100, prompts, timing);
  World honest = observe(benign_groups(s, 1), s, seed * 100 + 1, prompts, timing);
  std::vector<Group> groups = benign_groups(s, 2);
  for (Group& g : lookalikes(s, 2)) groups.push_back(std::move(g));
  for (const uint32_t size : s.sizes) groups.push_back(hydra(s, size, 2));
  World test = observe(groups, s, seed * 100 + 2, prompts, timing);
  const signals::Baseline baseline = baseline_of(first);
  std::map<std::string, size_t> of_group;
  for (const std::string& g : test.groups) ++of_group[g];

  campaigns::Options options;
  const std::array<std::string, campaigns::kLinkKinds> links = {"nearness", "content", "identity", "hours"};
  for (const std::string& w : s.without) {
    for (size_t k = 0; k < links.size(); ++k) options.links.use[k] = options.links.use[k] && w != links[k];
    if (w == "complementarity") options.complementarity = false;
  }
  double at = seconds();
  const auto reference = campaigns::Reference::of(ready(honest), baseline, options.complementarity);
  if (!reference) give_up(reference.error());
  const double learnt = seconds() - at;
  at = seconds();
  const auto found = campaigns::find(ready(test), *reference, baseline, options);
  const double searched = seconds() - at;

  size_t false_campaigns = 0;
  std::map<std::string, std::pair<size_t, size_t>> caught;  // of a hydra: its accounts, others with them
  for (const auto& c : found) {
    std::map<std::string, size_t> mix;
    for (const uint32_t m : c.members) ++mix[test.groups[m]];
    std::vector<std::pair<size_t, std::string>> sorted;
    for (const auto& [name, count] : mix) sorted.emplace_back(count, name);
    std::sort(sorted.rbegin(), sorted.rend());
    const auto& [most, whose] = sorted.front();
    if (c.q_value <= campaigns::kFalseCampaignsMax) {
      if (whose.starts_with("hydra") && 2 * most > c.members.size()) {
        caught[whose].first += most;
        caught[whose].second += c.members.size() - most;
      } else {
        ++false_campaigns;
        fmt::print("  false campaign: {} of {} in it are {}\n", most, c.members.size(), whose);
      }
    }
    if (!s.groups) continue;
    std::string text;
    for (size_t i = 0; i < std::min<size_t>(4, sorted.size()); ++i)
      text += fmt::format("  {} of {} {}", sorted[i].first, of_group[sorted[i].second], sorted[i].second);
    fmt::print("  p {:.2g} q {:.2g} score {:.2f} overlap {:.2f} size {} judged {}:{}\n", c.p_value.value, c.q_value,
               c.judged.score, c.judged.overlap, c.members.size(), c.judged_size, text);
  }
  for (const uint32_t size : s.sizes) {
    const std::string name = fmt::format("hydra of {}", size);
    const auto [accounts, others] = caught[name];
    fmt::print(
        "{:<14} seed {} {:<14} {:>4} of {:<4} found, {:>3} others with them; {} groups, {} false; {:.1f} s + {:.1f} "
        "s\n",
        s.source, seed, name, accounts, of_group[name], others, found.size(), false_campaigns, learnt, searched);
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Settings s;
  CLI::App app("campaigns on real prompts");
  app.add_option("--prompts", s.prompts)->required();
  app.add_option("--timing", s.timing);
  app.add_option("--source", s.source, "Of the hydras' prompts: a glob below distill/")->capture_default_str();
  app.add_option("--sizes", s.sizes, "Accounts of each hydra")->capture_default_str();
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
  app.add_flag("--groups", s.groups, "Show every group");
  CLI11_PARSE(app, argc, argv);
  auto prompts = population::Prompts::load(s.prompts);
  if (!prompts) give_up(prompts.error());
  population::Timing timing;
  if (!s.timing.empty()) {
    auto loaded = population::Timing::load(s.timing);
    if (!loaded) give_up(loaded.error());
    timing = std::move(*loaded);
  }
  for (uint64_t i = 0; i < s.seeds; ++i) run(s, s.seed + i, *prompts, timing);
  return 0;
}
