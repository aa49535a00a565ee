#include "population/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/yaml_map.h"

namespace stillwatch::population {
namespace {

using base::ErrorCode;

using base::Name;
using base::YamlMap;

constexpr std::array kClasses = {
    Name<Class>{"people", Class::kPeople},       Name<Class>{"product_bot", Class::kProductBot},
    Name<Class>{"pipeline", Class::kPipeline},   Name<Class>{"labelling", Class::kLabelling},
    Name<Class>{"evaluator", Class::kEvaluator}, Name<Class>{"coding_agent", Class::kCodingAgent},
    Name<Class>{"reseller", Class::kReseller},   Name<Class>{"office", Class::kOffice},
    Name<Class>{"harvest", Class::kHarvest}};
constexpr std::array kRhythms = {Name<Rhythm>{"flat", Rhythm::kFlat}, Name<Rhythm>{"diurnal", Rhythm::kDiurnal},
                                 Name<Rhythm>{"office_hours", Rhythm::kOfficeHours},
                                 Name<Rhythm>{"jittered", Rhythm::kJittered}, Name<Rhythm>{"bursts", Rhythm::kBursts}};
constexpr std::array kIdentities = {Name<Identity>{"unshared", Identity::kUnshared},
                                    Name<Identity>{"shared", Identity::kShared},
                                    Name<Identity>{"mixed", Identity::kMixed}};
constexpr std::array kTemplates = {Name<Template>{"none", Template::kNone}, Name<Template>{"shared", Template::kShared},
                                   Name<Template>{"paraphrased", Template::kParaphrased}};
constexpr std::array kLengths = {Name<AnswerLength>{"source", AnswerLength::kSource},
                                 Name<AnswerLength>{"people", AnswerLength::kPeople}};

std::optional<base::Error> read_group(const YAML::Node& node, std::string_view file, Group& g) {
  YamlMap r(node, file);
  r.choice("class", g.kind, kClasses);
  g.name = name_of(g.kind);
  if (g.kind == Class::kOffice) g.persons = 20;
  if (g.kind == Class::kReseller) g.persons = 200;
  if (g.kind == Class::kCodingAgent || g.kind == Class::kOffice) g.rhythm = Rhythm::kOfficeHours;
  if (g.kind == Class::kPipeline || g.kind == Class::kLabelling || g.kind == Class::kEvaluator)
    g.rhythm = Rhythm::kBursts;
  if (g.kind == Class::kHarvest) g.rhythm = Rhythm::kFlat;
  r.text("name", g.name);
  r.number("accounts", g.accounts, 1, 1'000'000);
  r.number("exchanges_median", g.exchanges_median, 1, 1e7);
  r.number("exchanges_sigma", g.exchanges_sigma, 0, 4);
  r.number("exchanges_max", g.exchanges_max, 1, 1e7);
  r.texts("sources", g.sources);
  r.number("part", g.part, 0, 1000);
  r.number("part_of", g.part_of, 1, 1000);
  r.choice("answer_length", g.answer_length, kLengths);
  r.choice("rhythm", g.rhythm, kRhythms);
  r.number("persons", g.persons, 1, 10'000);
  r.number("templates", g.templates, 1, 1000);
  r.number("campaign_size", g.campaign_size, 0, 1'000'000);
  r.number("cover", g.cover, 0, 0.95);
  r.texts("cover_sources", g.cover_sources);
  r.number("cover_part", g.cover_part, 0, 1000);
  r.number("cover_part_of", g.cover_part_of, 1, 1000);
  r.choice("network", g.network, kIdentities);
  r.choice("client", g.client, kIdentities);
  r.choice("template", g.wrapping, kTemplates);
  r.number("replaced_after", g.replaced_after, 0, 1e7);
  r.number("slow_start_days", g.slow_start_days, 0, 3650);
  r.number("pivot_day", g.pivot_day, 0, 3650);
  if (g.part >= g.part_of || g.cover_part >= g.cover_part_of) r.fail(node, "`part` must be below `part_of`");
  return r.finish();
}

}  // namespace

std::string_view name_of(Class c) {
  for (const auto& [name, value] : kClasses) {
    if (value == c) return name;
  }
  return "";
}

base::Result<Config> Config::parse(std::string_view yaml, std::string_view name) {
  auto root = YamlMap::parse(yaml, name);
  if (!root) return tl::unexpected(root.error());
  YamlMap& r = *root;
  Config config;
  std::string start;
  r.text("start", start);
  if (!start.empty()) {
    const auto time = base::parse_rfc3339(start.find('T') == std::string::npos ? start + "T00:00:00Z" : start);
    if (!time) r.fail(r.take("start"), "`start` is not a date");
    if (time) config.start = *time;
  }
  r.number("duration_days", config.duration_days, 0.01, 3650);
  r.number("seed", config.seed, 0, 9e15);
  r.number("split", config.split, 0, 9e15);
  const YAML::Node groups = r.take("groups");
  if (!groups || !groups.IsSequence() || groups.size() == 0) r.fail(r.node(), "`groups` is missing or no list");
  if (auto error = r.finish()) return tl::unexpected(*error);
  for (const YAML::Node& node : groups) {
    Group group;
    if (auto error = read_group(node, name, group)) return tl::unexpected(*error);
    config.groups.push_back(std::move(group));
  }
  return config;
}

}  // namespace stillwatch::population
