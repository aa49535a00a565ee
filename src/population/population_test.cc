#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "population/simulation.h"

namespace stillwatch::population {
namespace {

using Json = nlohmann::json;

const Prompts& shipped() {
  static const Prompts prompts = *Prompts::load({STILLWATCH_SOURCE_DIR "/data/prompts"});
  return prompts;
}

struct Traffic {
  std::vector<Json> lines;
  std::map<std::string, Truth> truths;
};

Traffic run(const Config& config) {
  auto simulation = Simulation::start(config, shipped(), {});
  EXPECT_TRUE(simulation) << (simulation ? "" : simulation.error().message);
  Traffic out;
  std::string line;
  while (simulation->next(line)) out.lines.push_back(Json::parse(line));
  for (const Truth& t : simulation->truths()) out.truths[t.account] = t;
  return out;
}

Config config_of(std::vector<Group> groups) {
  Config c;
  c.duration_days = 6;
  c.seed = 3;
  c.groups = std::move(groups);
  return c;
}

Group group(Class kind, uint32_t accounts, double exchanges) {
  Group g;
  g.kind = kind;
  g.name = name_of(kind);
  g.accounts = accounts;
  g.exchanges_median = exchanges;
  return g;
}

std::string prompt_of(const Json& line) {
  const Json& content = line["request"]["messages"].back()["content"];
  return content.is_string() ? content.get<std::string>() : content.dump();  // parts, if a tool speaks
}

TEST(Population, EveryClassWritesValidLinesInOrderOfTime) {
  std::vector<Group> groups;
  for (int k = 0; k <= static_cast<int>(Class::kHarvest); ++k) groups.push_back(group(static_cast<Class>(k), 3, 40));
  const Traffic r = run(config_of(groups));
  EXPECT_GT(r.lines.size(), 800u);
  std::string before;
  std::set<std::string_view> kinds;
  for (const Json& line : r.lines) {
    const std::string time = line["time"];
    EXPECT_LE(before, time);
    before = time;
    EXPECT_TRUE(r.truths.count(line["account"]));
    EXPECT_TRUE(line["request"]["messages"].is_array());
    EXPECT_FALSE(prompt_of(line).empty());
    kinds.insert(r.truths.at(line["account"]).kind);
  }
  EXPECT_EQ(kinds.size(), 9u);
}

TEST(Population, IsTheSameForASeedAndAnotherForAnother) {
  Config c = config_of({group(Class::kPeople, 5, 30), group(Class::kHarvest, 3, 30)});
  const Traffic a = run(c), b = run(c);
  EXPECT_EQ(a.lines, b.lines);
  c.seed = 4;
  EXPECT_NE(run(c).lines, a.lines);
}

TEST(Population, ACampaignsShardsAreDisjointAndNothingRepeats) {
  const Traffic r = run(config_of({group(Class::kHarvest, 10, 60)}));
  std::set<std::string> seen;
  for (const Json& line : r.lines) EXPECT_TRUE(seen.insert(prompt_of(line)).second);
  EXPECT_GT(seen.size(), 500u);
}

TEST(Population, PartsOfASourceAreDisjoint) {
  Group a = group(Class::kHarvest, 1, 5000), b = a;
  a.part_of = b.part_of = 2;
  b.part = 1;
  std::set<std::string> first;
  for (const Json& line : run(config_of({a})).lines) first.insert(prompt_of(line));
  for (const Json& line : run(config_of({b})).lines) EXPECT_FALSE(first.count(prompt_of(line)));
  EXPECT_GT(first.size(), 200u);
}

TEST(Population, ConversationsResendTheirHistory) {
  const Traffic r = run(config_of({group(Class::kPeople, 20, 40)}));
  size_t continued = 0;
  for (const Json& line : r.lines) {
    const Json& messages = line["request"]["messages"];
    continued += messages.size() > 1;
    for (size_t i = 0; i + 1 < messages.size(); ++i) EXPECT_NE(messages[i]["role"], messages[i + 1]["role"]);
    EXPECT_EQ(messages.back()["role"], "user");
  }
  EXPECT_GT(continued, r.lines.size() / 10);
}

TEST(Population, CoverIsAsMuchAsAsked) {
  Group g = group(Class::kHarvest, 1, 800);
  g.cover = 0.5;
  std::set<std::string> tasks;
  for (const Conversation& c : shipped().matching({"distill/tasks"}).front()->conversations)
    tasks.insert(Json::parse("\"" + c.turns.back().text + "\""));
  size_t harvested = 0;
  const Traffic r = run(config_of({g}));
  for (const Json& line : r.lines) harvested += tasks.count(prompt_of(line));
  EXPECT_NEAR(static_cast<double>(harvested) / static_cast<double>(r.lines.size()), 0.5,
              0.15);  // a person's turns come in conversations
}

TEST(Population, RefusedAccountsAreReplaced) {
  Group g = group(Class::kHarvest, 1, 100);
  g.replaced_after = 30;
  const Traffic r = run(config_of({g}));
  EXPECT_EQ(r.truths.size(), 4u);
  size_t refused = 0;
  for (const Json& line : r.lines) refused += line["status"] == 403;
  EXPECT_EQ(refused, 3u);
}

TEST(Population, ASlowStartAsksLikeAPersonFirst) {
  Group g = group(Class::kHarvest, 1, 300);
  g.slow_start_days = 3;
  const Traffic r = run(config_of({g}));
  size_t early = 0;
  for (const Json& line : r.lines) early += line["time"].get<std::string>() < "2026-03-05";
  EXPECT_GT(early, 5u);
  EXPECT_LT(early, 80u);
}

TEST(Population, AccountsWhoseSourcesRunDryAreCounted) {
  const auto dry = [](double exchanges) {
    auto simulation = Simulation::start(config_of({group(Class::kHarvest, 3, exchanges)}), shipped(), {});
    size_t lines = 0;
    for (std::string line; simulation->next(line);) ++lines;
    return std::pair(simulation->ran_dry(), lines);
  };
  const size_t all = shipped().matching({"distill/*"}).front()->conversations.size();
  EXPECT_EQ(dry(90), std::pair(size_t{0}, size_t{270}));
  EXPECT_EQ(dry(1000), std::pair(size_t{3}, all));
}

TEST(Population, ConfigurationMistakesAreLocated) {
  const auto problem = [](std::string_view yaml) {
    const auto c = Config::parse(yaml, "p.yaml");
    return c ? std::string() : c.error().message;
  };
  EXPECT_EQ(problem("groups:\n  - {class: people}"), "");
  EXPECT_EQ(problem("groups:\n  - {class: wizards}").substr(0, 12), "p.yaml:2:13:");
  EXPECT_NE(problem("groups:\n  - {class: people, cover: 2}").find("`cover` is not a number from 0 to 0.95"),
            std::string::npos);
  EXPECT_NE(problem("groups:\n  - {class: people, colour: red}").find("`colour` is not known"), std::string::npos);
  EXPECT_NE(problem("{}").find("`groups`"), std::string::npos);
  EXPECT_NE(problem("groups: [").find("p.yaml:"), std::string::npos);
  EXPECT_NE(problem("- {class: people}").find("p.yaml:1:1:"), std::string::npos);
  Config c = config_of({group(Class::kPeople, 1, 5)});
  c.groups[0].sources = {"nothing/*"};
  const auto started = Simulation::start(c, shipped(), {});
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("nothing/*"), std::string::npos);
}

TEST(Prompts, GlobsMatchAsInAShell) {
  EXPECT_TRUE(glob_matches("a*c", "abbbc"));
  EXPECT_TRUE(glob_matches("*", ""));
  EXPECT_TRUE(glob_matches("a?c", "abc"));
  EXPECT_FALSE(glob_matches("a?c", "ac"));
  EXPECT_FALSE(glob_matches("abc", "ab"));
  EXPECT_TRUE(glob_matches("a*bc*c", "abcbcxc"));
  EXPECT_TRUE(glob_matches("ab**", "ab"));
  EXPECT_FALSE(glob_matches("*a*", "bcd"));
  std::string stars;
  for (int i = 0; i < 200; ++i) stars += "*a";
  EXPECT_FALSE(glob_matches(stars + "b", std::string(2000, 'a')));  // would never end if every star were tried
}

}  // namespace
}  // namespace stillwatch::population
