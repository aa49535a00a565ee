#include "world.h"

#include <fmt/format.h>

#include <unordered_map>

#include "dialect/log_format.h"
#include "features/features.h"

namespace stillwatch::bench {

using population::AnswerLength;
using population::Group;
using population::Identity;
using population::Rhythm;
using Kind = population::Class;

namespace {

constexpr uint64_t kExchangesMin = 10;  // of an account that is looked at
constexpr uint32_t kParts = 3;          // disjoint parts of every benign source: baseline, benign groups, test

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

}  // namespace

void give_up(const base::Error& error) {
  fmt::print(stderr, "{}\n", error.message);
  std::exit(static_cast<int>(error.code));
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
  auto config = population::Config::parse(fmt::format("groups: [{{class: harvest, {}}}]", s.strategy), "strategy");
  if (!config) give_up(config.error());
  Group g = config->groups.front();
  g.name = hydra_name(size);
  g.accounts = size;
  g.exchanges_median = s.exchanges_a_day * s.days;
  g.exchanges_sigma = 0.2;
  g.exchanges_max = 1000;
  g.sources = {"distill/" + s.source};
  g.cover_part = part;
  g.cover_part_of = kParts;
  return g;
}

void observe(std::vector<Group> groups, const Settings& s, uint64_t seed, const population::Prompts& prompts,
             const population::Timing& timing, const std::vector<double>& hours,
             const std::function<void(double, World&)>& look) {
  population::Config config;
  config.duration_days = s.days;
  config.seed = seed;
  config.groups = std::move(groups);
  const base::Time start = config.start;
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
  dialect::LogParser parser(dialect::LogFormat::kExchange);
  features::FeatureExtractor extractor;
  std::string line;
  size_t next = 0;
  const auto sink = [&](const dialect::Exchange& e) {
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

}  // namespace stillwatch::bench
