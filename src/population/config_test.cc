#include "population/config.h"

#include <gmock/gmock.h>

namespace stillwatch::population {
namespace {

TEST(Config, ReadsEveryKey) {
  const auto config = Config::parse(R"(
start: 2026-05-04T12:00:00Z
duration_days: 3.5
seed: 99
split: 6
groups:
  - class: harvest
    name: campaign
    accounts: 40
    exchanges_median: 120
    exchanges_sigma: 0.5
    exchanges_max: 900
    sources: ["distill/a*", "distill/b"]
    part: 1
    part_of: 4
    answer_length: people
    rhythm: jittered
    campaign_size: 20
    cover: 0.75
    cover_sources: [benign/x]
    cover_part: 2
    cover_part_of: 3
    network: mixed
    client: shared
    template: paraphrased
    replaced_after: 50
    slow_start_days: 1.5
    pivot_day: 2
  - {class: office, persons: 12}
  - {class: pipeline, templates: 5}
)",
                                    "p.yaml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(base::format_rfc3339(config->start), "2026-05-04T12:00:00.000Z");
  EXPECT_EQ(config->duration_days, 3.5);
  EXPECT_EQ(config->seed, 99U);
  EXPECT_EQ(config->split, 6U);
  ASSERT_EQ(config->groups.size(), 3U);
  const Group& g = config->groups[0];
  EXPECT_EQ(g.kind, Class::kHarvest);
  EXPECT_EQ(g.name, "campaign");
  EXPECT_EQ(g.accounts, 40U);
  EXPECT_EQ(g.exchanges_median, 120);
  EXPECT_EQ(g.exchanges_sigma, 0.5);
  EXPECT_EQ(g.exchanges_max, 900U);
  EXPECT_THAT(g.sources, testing::ElementsAre("distill/a*", "distill/b"));
  EXPECT_EQ(g.part, 1U);
  EXPECT_EQ(g.part_of, 4U);
  EXPECT_EQ(g.answer_length, AnswerLength::kPeople);
  EXPECT_EQ(g.rhythm, Rhythm::kJittered);
  EXPECT_EQ(g.campaign_size, 20U);
  EXPECT_EQ(g.cover, 0.75);
  EXPECT_THAT(g.cover_sources, testing::ElementsAre("benign/x"));
  EXPECT_EQ(g.cover_part, 2U);
  EXPECT_EQ(g.cover_part_of, 3U);
  EXPECT_EQ(g.network, Identity::kMixed);
  EXPECT_EQ(g.client, Identity::kShared);
  EXPECT_EQ(g.wrapping, Template::kParaphrased);
  EXPECT_EQ(g.replaced_after, 50U);
  EXPECT_EQ(g.slow_start_days, 1.5);
  EXPECT_EQ(g.pivot_day, 2);
  EXPECT_EQ(config->groups[1].name, "office");
  EXPECT_EQ(config->groups[1].persons, 12U);
  EXPECT_EQ(config->groups[1].rhythm, Rhythm::kOfficeHours);
  EXPECT_EQ(config->groups[2].templates, 5U);
}

TEST(Config, RefusesHalfAnAccount) {
  const auto config = Config::parse("groups: [{class: people, accounts: 1.5}]", "p.yaml");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, testing::HasSubstr("p.yaml:1:36: `accounts` is not a whole number"));
}

TEST(Config, RefusesAPartThatIsNone) {
  for (const char* yaml :
       {"groups: [{class: people, part: 2, part_of: 2}]", "groups: [{class: harvest, cover_part: 1}]"}) {
    const auto config = Config::parse(yaml, "p.yaml");
    ASSERT_FALSE(config);
    EXPECT_THAT(config.error().message, testing::HasSubstr("p.yaml:1:10: `part` must be below `part_of`"));
  }
}

}  // namespace
}  // namespace stillwatch::population
