#include "population/simulation.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/hash.h"

namespace stillwatch::population {
namespace {

using Json = nlohmann::json;

Conversation conversation(const std::string& text, uint32_t group, uint16_t topic) {
  Conversation c;
  c.turns = {{false, text}};
  c.response = "about " + text;
  c.part_hash = base::hash64(text);
  c.group = group;
  c.topic = topic;
  return c;
}

Source source(const std::string& folder, const std::string& name, size_t count, uint32_t groups) {
  Source s{name, folder, {}, groups};
  for (size_t i = 0; i < count; ++i) {
    s.conversations.push_back(conversation(fmt::format("{} {}", name, i), static_cast<uint32_t>(i % groups),
                                           static_cast<uint16_t>(i % kTopics)));
  }
  return s;
}

// Every class finds something in it; people have conversations of three user turns among theirs, the middle answer of
// which is missing.
Prompts prompts() {
  Prompts p;
  p.sources = {source("bench", "sums", 30, 1),      source("benign", "help_bot", 60, 6),
               source("benign", "items", 400, 1),   source("benign", "people", 2000, 1),
               source("distill", "tasks", 3000, 1), source("distill", "others", 300, 1),
               source("pipeline", "frames", 600, 4)};
  Source& people = p.sources[3];
  for (size_t i = 0; i < people.conversations.size(); i += 4) {
    Conversation& c = people.conversations[i];
    const std::string name = c.turns.front().text;
    c.turns = {{false, name}, {true, name + " answer 0"}, {false, name + " then 1"}, {false, name + " then 2"}};
  }
  return p;
}

Group group(Class kind, uint32_t accounts, double exchanges) {
  Group g;
  g.kind = kind;
  g.name = name_of(kind);
  g.accounts = accounts;
  g.exchanges_median = exchanges;
  return g;
}

struct Story {
  std::vector<std::string> lines;
  std::vector<Json> exchanges;
  std::vector<Truth> truths;
  std::map<std::string, Truth> by_account;
};

Story run(const std::vector<Group>& groups, uint64_t seed = 1) {
  const Prompts p = prompts();
  Config config;
  config.seed = seed;
  config.groups = groups;
  auto simulation = Simulation::start(config, p, {});
  Story r;
  if (!simulation) {
    ADD_FAILURE() << simulation.error().message;
    return r;
  }
  std::string line;
  while (simulation->next(line)) {
    r.lines.push_back(line);
    r.exchanges.push_back(Json::parse(line, nullptr, false));
  }
  r.truths = simulation->truths();
  for (const Truth& t : r.truths) r.by_account[t.account] = t;
  return r;
}

std::vector<Group> everybody() {
  std::vector<Group> groups = {
      group(Class::kPeople, 12, 30),   group(Class::kProductBot, 3, 60), group(Class::kPipeline, 3, 60),
      group(Class::kLabelling, 3, 60), group(Class::kEvaluator, 3, 60),  group(Class::kCodingAgent, 4, 60),
      group(Class::kReseller, 3, 60),  group(Class::kOffice, 3, 60),     group(Class::kHarvest, 4, 60)};
  groups.back().cover = 0.5;
  return groups;
}

// What is new in a request: the last turn's text.
std::string asked(const Json& exchange) {
  const Json& content = exchange["request"]["messages"].back()["content"];
  return content.is_string() ? content.get<std::string>() : content.dump();
}

std::map<std::string, std::vector<std::string>> asked_by_account(const Story& r) {
  std::map<std::string, std::vector<std::string>> all;
  for (const Json& e : r.exchanges) all[e["account"]].push_back(asked(e));
  return all;
}

TEST(Simulation, IsTheSameForTheSameSeed) {
  const Story a = run(everybody(), 7);
  EXPECT_EQ(a.lines, run(everybody(), 7).lines);
  EXPECT_NE(a.lines, run(everybody(), 8).lines);
}

TEST(Simulation, WritesValidJsonInOrderOfTime) {
  const Story r = run(everybody());
  ASSERT_GT(r.exchanges.size(), 1000U);
  std::string last;
  for (const Json& e : r.exchanges) {
    ASSERT_TRUE(e.is_object());
    EXPECT_LE(last, e["time"].get<std::string>());
    last = e["time"];
    EXPECT_TRUE(e["request"]["messages"].is_array());
    EXPECT_TRUE(e["response"]["usage"].is_object());
    EXPECT_NE(e["request"]["messages"].back()["role"], "assistant");
  }
  EXPECT_GE(r.exchanges.front()["time"].get<std::string>(), "2026-03-02");
  EXPECT_LT(last, "2026-03-16");
}

TEST(Simulation, KnowsTheTruthAboutEveryAccount) {
  const Story r = run(everybody());
  std::map<std::string, uint64_t> sent;
  for (const Json& e : r.exchanges) ++sent[e["account"]];
  EXPECT_EQ(sent.size(), r.truths.size());
  for (const Truth& t : r.truths) {
    EXPECT_EQ(sent[t.account], t.exchanges);
    EXPECT_EQ(t.hostile, t.kind == "harvest");
    EXPECT_EQ(t.hostile, !t.campaign.empty());
    EXPECT_THAT(t.account, testing::MatchesRegex("acct_[0-9a-f]+"));
    const Json written = Json::parse(to_json(t));
    EXPECT_EQ(written["label"], t.hostile ? "hostile" : "benign");
    EXPECT_EQ(written["campaign"].is_null(), !t.hostile);
  }
}

TEST(Simulation, RepeatsNothingInsideAnAccountButWhereTheClassDoes) {
  const Story r = run(everybody());
  std::map<std::string_view, size_t> repeats, all;
  for (const auto& [account, prompts_asked] : asked_by_account(r)) {
    const std::string_view kind = r.by_account.at(account).kind;
    all[kind] += prompts_asked.size();
    repeats[kind] += prompts_asked.size() - std::set(prompts_asked.begin(), prompts_asked.end()).size();
  }
  for (const char* kind : {"people", "office", "reseller", "pipeline", "labelling", "harvest"})
    EXPECT_EQ(repeats[kind], 0U) << kind;
  EXPECT_GT(repeats["product_bot"], all["product_bot"] / 10);
  EXPECT_GT(repeats["evaluator"], all["evaluator"] / 3);
}

TEST(Simulation, ResendsTheHistoryOfAConversation) {
  const Story r = run({group(Class::kPeople, 20, 60)});
  std::map<std::string, Json> previous;  // messages and answer of the account's last exchange
  size_t continued = 0;
  for (const Json& e : r.exchanges) {
    Json messages = e["request"]["messages"];
    Json& before = previous[e["account"]];
    if (messages.size() > 1) {
      ++continued;
      ASSERT_EQ(messages.size(), before.size() + 1);
      messages.erase(messages.size() - 1);
      EXPECT_EQ(messages, before);
    }
    before = e["request"]["messages"];
    const Json& response = e["response"];
    const Json text =
        response.contains("choices") ? response["choices"][0]["message"]["content"] : response["content"][0]["text"];
    before.push_back({{"role", "assistant"}, {"content", text}});
  }
  EXPECT_GT(continued, 200U);
}

TEST(Simulation, ShardsOfACampaignAreDisjoint) {
  Group hydra = group(Class::kHarvest, 12, 200);
  hydra.sources = {"distill/tasks"};
  std::set<std::string> seen;
  for (const Json& e : run({hydra}).exchanges) EXPECT_TRUE(seen.insert(asked(e)).second) << asked(e);
  EXPECT_EQ(seen.size(), 12 * 200U);
}

TEST(Simulation, CampaignsOfAGroupDrawIndependently) {
  Group two = group(Class::kHarvest, 4, 500);
  two.sources = {"distill/tasks"};
  two.campaign_size = 2;
  const Story r = run({two});
  std::set<std::string> campaigns, seen;
  for (const Truth& t : r.truths) campaigns.insert(t.campaign);
  size_t shared = 0;
  for (const Json& e : r.exchanges) shared += !seen.insert(asked(e)).second;
  EXPECT_EQ(campaigns, (std::set<std::string>{"harvest-0", "harvest-1"}));
  EXPECT_NEAR(static_cast<double>(shared), 1000.0 * 1000 / 3000, 120);
}

class Cover : public testing::TestWithParam<double> {};
TEST_P(Cover, IsTheShareOfExchanges) {
  Group g = group(Class::kHarvest, 10, 300);
  g.cover = GetParam();
  const Story r = run({g});
  size_t cover = 0;
  for (const Json& e : r.exchanges) cover += asked(e).rfind("people", 0) == 0;
  EXPECT_NEAR(static_cast<double>(cover) / static_cast<double>(r.exchanges.size()), GetParam(), 0.03);
}
INSTANTIATE_TEST_SUITE_P(Shares, Cover, testing::Values(0.0, 0.25, 0.5, 0.9));

TEST(Simulation, PartsAreDisjoint) {
  std::vector<std::set<std::string>> parts(2);
  for (uint32_t part = 0; part < 2; ++part) {
    Group g = group(Class::kPeople, 30, 100);
    g.part = part;
    g.part_of = 2;
    for (const Json& e : run({g}).exchanges) parts[part].insert(asked(e));
    EXPECT_GT(parts[part].size(), 800U);
  }
  for (const std::string& text : parts[0]) EXPECT_EQ(parts[1].count(text), 0U) << text;
}

TEST(Simulation, AnotherSplitDividesIntoOtherParts) {
  const Prompts p = prompts();
  const auto drawn = [&](uint64_t split) {
    Config config;
    config.split = split;
    config.groups = {group(Class::kHarvest, 1, 1000)};
    config.groups[0].part_of = 4;
    auto simulation = Simulation::start(config, p, {});
    std::set<std::string> texts;
    for (std::string line; simulation->next(line);) texts.insert(asked(Json::parse(line)));
    return texts;
  };
  EXPECT_EQ(drawn(1), drawn(1));
  EXPECT_NE(drawn(1), drawn(2));
}

TEST(Simulation, ReplacesASuspendedAccount) {
  Group g = group(Class::kHarvest, 1, 100);
  g.replaced_after = 40;
  const Story r = run({g});
  ASSERT_EQ(r.truths.size(), 3U);
  EXPECT_EQ(r.truths[0].exchanges, 40U);
  EXPECT_EQ(r.truths[2].exchanges, 20U);
  EXPECT_EQ(r.truths[0].campaign, r.truths[2].campaign);
  EXPECT_EQ(r.exchanges[39]["status"], 403);
  EXPECT_FALSE(r.exchanges[39]["response"].contains("usage"));
  EXPECT_NE(r.exchanges[39]["account"], r.exchanges[40]["account"]);
  std::set<std::string> seen;
  for (const Json& e : r.exchanges) EXPECT_TRUE(seen.insert(asked(e)).second);
}

TEST(Simulation, StartsSlowlyWithCoverAlone) {
  Group g = group(Class::kHarvest, 5, 200);
  g.slow_start_days = 4;
  size_t early = 0, late = 0;
  for (const Json& e : run({g}).exchanges) {
    const bool slow = e["time"].get<std::string>() < "2026-03-06";
    (slow ? early : late) += 1;
    EXPECT_TRUE(!slow || asked(e).rfind("people", 0) == 0);
  }
  EXPECT_GT(early, 50U);  // a tenth of the thousand, and what conversations add
  EXPECT_LT(early, 200U);
  EXPECT_GT(late, 800U);
}

TEST(Simulation, PivotsToAnotherModelWithinADay) {
  Group g = group(Class::kHarvest, 5, 300);
  g.pivot_day = 7;
  for (const Json& e : run({g}).exchanges) {
    const std::string time = e["time"];
    EXPECT_TRUE(time >= "2026-03-09" || e["model"] == "atlas-large");
    EXPECT_TRUE(time < "2026-03-10" || e["model"] == "atlas-large-2");
  }
}

TEST(Simulation, SharesNetworksAndClientsAsTold) {
  const auto networks = [](Identity identity) {
    Group g = group(Class::kHarvest, 60, 10);
    g.network = g.client = identity;
    std::set<std::string> nets;
    std::set<std::string> clients;
    for (const Json& e : run({g}).exchanges) {
      const std::string address = e["network"];
      nets.insert(address.substr(0, address.rfind('.')));
      clients.insert(e["client"]);
    }
    return std::pair(nets.size(), clients.size());
  };
  EXPECT_LE(networks(Identity::kShared).first, 3U);
  EXPECT_LE(networks(Identity::kShared).second, 2U);
  EXPECT_LE(networks(Identity::kMixed).first, 40U);
  EXPECT_GT(networks(Identity::kMixed).first, 20U);
  EXPECT_GT(networks(Identity::kUnshared).first, 60U);
  EXPECT_GT(networks(Identity::kUnshared).second, 8U);
}

TEST(Simulation, WrapsPromptsInTemplates) {
  const auto openings = [](Template wrapping) {
    Group g = group(Class::kHarvest, 3, 100);
    g.wrapping = wrapping;
    std::set<std::string> kinds;
    for (const Json& e : run({g}).exchanges) {
      const std::string text = asked(e);
      const size_t at = std::min(text.find("tasks "), text.find("others "));
      EXPECT_NE(at, std::string::npos) << text;
      kinds.insert(text.substr(0, at));
    }
    return kinds.size();
  };
  EXPECT_EQ(openings(Template::kNone), 1U);
  EXPECT_EQ(openings(Template::kShared), 1U);
  EXPECT_GT(openings(Template::kParaphrased), 5U);
}

TEST(Simulation, AgentsAnswerEveryToolCall) {
  size_t results = 0;
  for (const Json& e : run({group(Class::kCodingAgent, 12, 120)}).exchanges) {
    const Json& messages = e["request"]["messages"];
    ASSERT_LE(messages.size(), 41U);
    ASSERT_TRUE(e["request"].contains("tools"));
    std::string open;  // the call that waits for its result
    for (const Json& m : messages) {
      std::string call, result;
      if (m.contains("tool_calls")) call = m["tool_calls"][0]["id"];
      if (m.contains("tool_call_id")) result = m["tool_call_id"];
      if (m["content"].is_array() && m["content"][0]["type"] == "tool_use") call = m["content"][0]["id"];
      if (m["content"].is_array() && m["content"][0]["type"] == "tool_result") result = m["content"][0]["tool_use_id"];
      EXPECT_EQ(result, open);
      results += !result.empty();
      open = call;
    }
    EXPECT_EQ(open, "");
  }
  EXPECT_GT(results, 1000U);
}

TEST(Simulation, AnswersAsLongAsPeoplesForEverybodyIfTold) {
  const auto mean_tokens = [](Class kind, AnswerLength length) {
    Group g = group(kind, 20, 100);
    g.answer_length = length;
    double sum = 0, n = 0;
    for (const Json& e : run({g}).exchanges) {
      const Json& usage = e["response"]["usage"];
      sum += usage.value("completion_tokens", usage.value("output_tokens", 0));
      n += 1;
    }
    return sum / n;
  };
  EXPECT_LT(mean_tokens(Class::kHarvest, AnswerLength::kSource), 10);
  EXPECT_NEAR(mean_tokens(Class::kHarvest, AnswerLength::kPeople), mean_tokens(Class::kPeople, AnswerLength::kPeople),
              25);
}

TEST(Simulation, KeepsOfficeHours) {
  Group g = group(Class::kHarvest, 48, 100);
  g.rhythm = Rhythm::kOfficeHours;
  size_t weekend = 0, all = 0;
  for (const Json& e : run({g}).exchanges) {
    const std::string day = e["time"].get<std::string>().substr(8, 2);
    weekend += day == "08" || day == "15";  // the whole world's Sundays, but for its edges
    ++all;
  }
  EXPECT_LT(weekend, all / 20);
}

TEST(Simulation, SaysWhichGroupFindsNoPrompts) {
  const Prompts p = prompts();
  Config config;
  config.groups = {group(Class::kHarvest, 1, 10)};
  config.groups[0].name = "greedy";
  config.groups[0].sources = {"distill/nothing*"};
  const auto simulation = Simulation::start(config, p, {});
  ASSERT_FALSE(simulation);
  EXPECT_THAT(simulation.error().message,
              testing::AllOf(testing::HasSubstr("greedy"), testing::HasSubstr("distill/nothing*")));
}

}  // namespace
}  // namespace stillwatch::population
