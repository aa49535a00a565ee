// What is found depends neither on which profiles are in memory nor on how a ranking is made.
#include <gtest/gtest.h>

#include <map>

#include "pipeline/test_world.h"

namespace stillwatch::pipeline {
namespace {

void expect_same(const Findings& a, const Findings& b) {
  EXPECT_EQ(a.exchanges, b.exchanges);
  EXPECT_EQ(a.output_tokens, b.output_tokens);
  EXPECT_EQ(a.accounts_flagged, b.accounts_flagged);
  EXPECT_EQ(a.p_values, b.p_values);
  ASSERT_EQ(a.ranked.size(), b.ranked.size());
  for (size_t i = 0; i < a.ranked.size(); ++i) {
    const AccountFinding &x = a.ranked[i], &y = b.ranked[i];
    ASSERT_EQ(x.account, y.account);
    EXPECT_EQ(x.exchanges, y.exchanges);
    EXPECT_EQ(x.last_seen, y.last_seen);
    EXPECT_EQ(x.flagged_at, y.flagged_at);
    EXPECT_EQ(x.evidence.score, y.evidence.score);
    EXPECT_EQ(x.evidence.p_value, y.evidence.p_value);
    EXPECT_EQ(x.evidence.readings.size(), y.evidence.readings.size());
    EXPECT_EQ(x.q_value, y.q_value);
    EXPECT_EQ(x.verdict, y.verdict);
    EXPECT_EQ(x.exposure.novel_exchanges, y.exposure.novel_exchanges);
    EXPECT_EQ(x.exposure.coverage, y.exposure.coverage);
    EXPECT_EQ(x.looks.size(), y.looks.size());
    ASSERT_TRUE(x.summary && y.summary);
    EXPECT_TRUE(*x.summary == *y.summary);
  }
}

// A store of two profiles' room in memory, and one without bounds, asked the same.
void expect_bounds_change_nothing(World& world, const std::shared_ptr<const signals::Baseline>& baseline) {
  const Options options{.false_alarms_per_10000 = 500, .profiles_max = 2};
  Pipeline bounded(baseline, {}, options), unbounded(baseline, {}, {.false_alarms_per_10000 = 500});
  std::map<std::string, std::string, std::less<>> store;
  size_t fetched = 0;
  bounded.fetch_with([&](std::string_view account) -> base::Result<std::string> {
    ++fetched;
    return store.find(account)->second;
  });
  std::vector<World::Account> accounts;
  for (int i = 0; i < 60; ++i) accounts.push_back(i % 10 == 0 ? world.harvester() : world.honest());
  base::Random random(1);
  for (int64_t i = 0; i < 5000; ++i) {
    const World::Account& a = accounts[random.below(accounts.size())];
    const Features f = world.ask(a, i);
    EXPECT_NE(bounded.observe(a.name, "org", f), Observed::kLost);
    unbounded.observe(a.name, "org", f);
    if (bounded.crowd() < 2) continue;
    for (SavedSubject& s : bounded.take_changed(bounded.crowd())) store[s.account] = std::move(s.bytes);
    bounded.cool();
    EXPECT_EQ(bounded.profiles(), 2u);
  }
  EXPECT_GT(fetched, 1000u);
  EXPECT_EQ(bounded.accounts(), 60u);
  expect_same(bounded.findings(), unbounded.findings());
}

TEST(Pipeline, FindsTheSameWhateverLeftMemory) {
  World world(13);
  expect_bounds_change_nothing(world, calibrated_on(world, 400));
}

TEST(Pipeline, CalibratesOnItselfTheSameWhateverLeftMemory) {
  World world(14);
  expect_bounds_change_nothing(world, nullptr);
}

TEST(Pipeline, LosesExchangesRatherThanMemoryWhenNothingCanBeSaved) {
  World world(15);
  Pipeline pipeline(nullptr, {}, {.profiles_max = 4, .crowd_max = 4});
  bool broken = false;
  pipeline.fetch_with([&](std::string_view) -> base::Result<std::string> {
    if (broken) return base::fail(base::ErrorCode::kInternal, "no disk");
    return std::string();
  });
  std::vector<World::Account> accounts;
  for (int i = 0; i < 9; ++i) accounts.push_back(world.honest());
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(pipeline.observe(accounts[i].name, "", world.ask(accounts[i], i)), Observed::kAdded);
  EXPECT_EQ(pipeline.observe(accounts[8].name, "", world.ask(accounts[8], 8)), Observed::kLost);
  EXPECT_EQ(pipeline.observe(accounts[0].name, "", world.ask(accounts[0], 9)), Observed::kAdded);
  EXPECT_EQ(pipeline.profiles(), 8u);
  pipeline.take_changed(8);
  pipeline.cool();
  EXPECT_EQ(pipeline.profiles(), 4u);
  broken = true;
  EXPECT_EQ(pipeline.observe(accounts[1].name, "", world.ask(accounts[1], 10)), Observed::kLost);
  EXPECT_EQ(pipeline.exchanges(), 9u);
}

// What a live gateway does piece by piece is what a scan does at once.
TEST(Pipeline, RanksInPiecesAsAtOnce) {
  World world(16);
  Pipeline pipeline(nullptr, {}, {});
  for (int i = 0; i < 80; ++i) world.fill(pipeline, i < 5 ? world.harvester() : world.honest(), volume(i));
  pipeline.forget(pipeline.findings().ranked[10].account);
  std::vector<signals::Subject> subjects;
  for (size_t slot = 0; slot < pipeline.slots(); slot += 7) pipeline.sightings(slot, 7, subjects);
  std::reverse(subjects.begin(), subjects.end());
  auto own = signals::Baseline::calibrate(subjects, signals::Baseline::reference().get(), "own",
                                          pipeline.overview().last, false);
  ASSERT_TRUE(own);
  pipeline.judge_by(std::make_shared<const signals::Baseline>(std::move(*own)));
  std::vector<Place> places;
  for (size_t slot = 0; slot < pipeline.slots(); slot += 7) pipeline.places(slot, 7, places);
  Findings pieces{pipeline.overview(), {}};
  rank(places, *pipeline.baseline(), pieces);
  for (const Place& place : places) pieces.ranked.push_back(*pipeline.finding(place));
  EXPECT_EQ(pieces.ranked.size(), 79u);
  expect_same(pieces, pipeline.findings());
}

}  // namespace
}  // namespace stillwatch::pipeline
