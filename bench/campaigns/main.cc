// How well campaigns are found, and how often honest groups are taken for one, on real prompts. docs/campaigns.md holds
// the tables and the commands that made them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <unordered_map>
#include "base/random.h"

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
  bool self = false;
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

int main(int argc, char** argv) {
  Settings s;
  CLI::App app("campaigns on real prompts");
  app.add_option("--prompts", s.prompts)->required();
  app.add_option("--timing", s.timing);
  app.add_option("--source", s.source);
  app.add_option("--sizes", s.sizes);
  app.add_option("--cover", s.cover);
  app.add_option("--days", s.days);
  app.add_option("--rate", s.exchanges_a_day);
  app.add_option("--seed", s.seed);
  app.add_option("--people", s.people);
  app.add_option("--others", s.others);
  app.add_option("--lookalikes", s.lookalikes);
  app.add_option("--rhythm", s.rhythm);
  app.add_option("--network", s.network);
  app.add_option("--without", s.without);
  app.add_flag("--self", s.self);
  bool oracle = false;
  std::string space_out;
  app.add_option("--space-out", space_out);
  app.add_flag("--oracle", oracle);
  CLI11_PARSE(app, argc, argv);
  auto prompts = population::Prompts::load(s.prompts);
  if (!prompts) give_up(prompts.error());
  population::Timing timing;
  if (!s.timing.empty()) {
    auto loaded = population::Timing::load(s.timing);
    if (!loaded) give_up(loaded.error());
    timing = std::move(*loaded);
  }
  double at = seconds();
  World first = observe(benign_groups(s, 0), s, s.seed * 100, *prompts, timing);
  World honest = observe(benign_groups(s, 1), s, s.seed * 100 + 1, *prompts, timing);
  std::vector<Group> groups = benign_groups(s, 2);
  for (Group& g : lookalikes(s, 2)) groups.push_back(std::move(g));
  for (const uint32_t size : s.sizes) groups.push_back(hydra(s, size, 2));
  World test = observe(groups, s, s.seed * 100 + 2, *prompts, timing);
  const signals::Baseline baseline = baseline_of(first);
  fmt::print("{} and {} benign accounts, {} to judge; simulated in {:.1f} s\n", first.groups.size(),
             honest.groups.size(), test.groups.size(), seconds() - at);
  std::map<std::string, size_t> of_group;
  for (const std::string& g : test.groups) ++of_group[g];

  campaigns::Options options;
  for (const std::string& w : s.without) {
    if (w == "nearness") options.links.use[0] = false;
    if (w == "content") options.links.use[1] = false;
    if (w == "identity") options.links.use[2] = false;
    if (w == "hours") options.links.use[3] = false;
    if (w == "complementarity") options.complementarity = false;
  }
  if (oracle) {
    std::vector<const campaigns::Trace*> crowd;
    for (const auto& t : honest.accounts.traces) crowd.push_back(&t);
    const auto space = campaigns::Space::fit(crowd);
    std::vector<campaigns::Point> hp, tp, td;
    for (const auto& t : honest.accounts.traces) hp.push_back(space.place(t));
    for (const auto& t : test.accounts.traces)
      tp.push_back(space.place(t)), td.push_back(campaigns::direction_of(tp.back()));
    std::vector<campaigns::Point> hd;
    for (const auto& p : hp) hd.push_back(campaigns::direction_of(p));
    std::vector<uint32_t> core, ppl;
    for (uint32_t i = 0; i < test.groups.size(); ++i)
      if (test.groups[i].starts_with("hydra"))
        core.push_back(i);
      else if (test.groups[i] == "people")
        ppl.push_back(i);
    auto stat = [&](const char* what, std::vector<double> v) {
      std::sort(v.begin(), v.end());
      fmt::print("{}: 5% {:.2f} 50% {:.2f} 95% {:.2f} 99% {:.2f} 99.9% {:.2f}\n", what, v[v.size() / 20],
                 v[v.size() / 2], v[v.size() * 95 / 100], v[v.size() * 99 / 100], v[v.size() * 999 / 1000]);
    };
    auto leans = campaigns::leanings(tp, core);
    std::vector<double> h, b, e;
    for (auto i : core) h.push_back(leans[i]);
    for (auto i : ppl) b.push_back(leans[i]);
    stat("hydra lean", h);
    stat("people lean", b);
    std::vector<campaigns::Point> all = hp;
    stillwatch::base::Random r(1);
    std::vector<double> hh, pp, qq;
    for (int k = 0; k < 100000; ++k) {
      hh.push_back(campaigns::dot(td[core[r.below(core.size())]], td[core[r.below(core.size())]]));
      pp.push_back(campaigns::dot(td[ppl[r.below(ppl.size())]], td[ppl[r.below(ppl.size())]]));
      qq.push_back(campaigns::dot(hd[r.below(hd.size())], hd[r.below(hd.size())]));
    }
    stat("hydra cos", hh);
    stat("people cos", pp);
    stat("benign cos", qq);
    std::vector<double> len;
    for (auto i : ppl) len.push_back(std::sqrt(campaigns::dot(tp[i], tp[i])));
    stat("people length", len);
    len.clear();
    for (auto i : core) len.push_back(std::sqrt(campaigns::dot(tp[i], tp[i])));
    stat("hydra length", len);
    const auto g = campaigns::recruit(tp, hp, core);
    size_t good = 0;
    for (auto m : g) good += test.groups[m].starts_with("hydra");
    fmt::print("oracle: {} of {} ({} members)\n", good, core.size(), g.size());
  }
  at = seconds();
  std::vector<campaigns::Campaign> found;
  {
    const auto reference = campaigns::Reference::of(ready(honest), baseline, options.complementarity);
    if (!reference) give_up(reference.error());
    if (!space_out.empty()) std::ofstream(space_out) << reference->to_json();
    fmt::print("reference in {:.1f} s\n", seconds() - at);
    found = campaigns::find(ready(test), *reference, baseline, options);
  }
  fmt::print("{} groups in {:.1f} s\n", found.size(), seconds() - at);
  for (const auto& c : found) {
    std::map<std::string, size_t> mix;
    for (const uint32_t m : c.members) ++mix[test.groups[m]];
    std::vector<std::pair<size_t, std::string>> sorted;
    for (const auto& [name, count] : mix) sorted.emplace_back(count, name);
    std::sort(sorted.rbegin(), sorted.rend());
    std::string text;
    for (size_t i = 0; i < std::min<size_t>(4, sorted.size()); ++i)
      text += fmt::format("  {} of {} {}", sorted[i].first, of_group[sorted[i].second], sorted[i].second);
    fmt::print("p {:.2g}{} q {:.2g} score {:.2f} signals {:.2f} overlap {:.3f} size {} core {} judged {}:{}\n",
               c.p_value.value, c.p_value.extrapolated ? "*" : "", c.q_value, c.judged.score, c.judged.signals,
               c.judged.overlap, c.members.size(), c.core.size(), c.judged_size, text);
  }
  return 0;
}
