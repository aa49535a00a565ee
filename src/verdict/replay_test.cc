#include "verdict/replay.h"

#include <gtest/gtest.h>

namespace stillwatch::verdict {
namespace {

Policy policy(const char* text) {
  auto map = base::YamlMap::parse(text, "policy");
  EXPECT_TRUE(map);
  Policy p = Policy::read(*map);
  EXPECT_FALSE(map->finish()) << text;
  return p;
}

ReplaySubject subject(const char* account, const char* group, Verdict verdict, double p, double novel) {
  return {account, group, {{}, verdict, p, true, {novel, 1000, 0.5}}, 100};
}

const std::vector<ReplaySubject> kSubjects = {
    subject("a", "harvest", Verdict::kHarvest, 1e-6, 5000), subject("b", "harvest", Verdict::kHarvest, 1e-4, 100),
    subject("c", "people", Verdict::kClear, 0.5, 10), subject("d", "people", Verdict::kHarvest, 1e-4, 3000),
    subject("e", "people", Verdict::kLabelledBenign, 1e-9, 9000)};

TEST(Replay, CountsWhomEachRungWouldHit) {
  const Policy p = policy(
      "rungs: [{rung: delay, mode: enforce}, {rung: refuse, when: {novel_exchanges_min: 2000}}, {rung: strip, mode: "
      "off}]");
  const Replay r = replay(p, kSubjects);
  EXPECT_EQ(r.all.accounts, 5u);
  EXPECT_EQ(r.all.hit, 3u);
  EXPECT_EQ(r.all.enforced, 3u);
  EXPECT_EQ(r.all.exchanges_hit, 300u);
  EXPECT_EQ(r.all.by_rung[static_cast<size_t>(Rung::kRefuse)], 2u);  // observed, and counted as what it would do
  EXPECT_EQ(r.all.by_rung[static_cast<size_t>(Rung::kStrip)], 0u);
  EXPECT_EQ(r.groups.at("people").accounts, 3u);
  EXPECT_EQ(r.groups.at("people").hit, 1u);
  ASSERT_EQ(r.hits.size(), 3u);
  EXPECT_EQ(r.hits[2].subject, 3u);
  EXPECT_EQ(rungs_text(r.hits[2].rungs), "delay, refuse");
  EXPECT_EQ(rungs_text(r.hits[2].enforced), "delay");
}

TEST(Replay, TellsTwoPoliciesApart) {
  const Replay first = replay(policy("rungs: [{rung: delay}]"), kSubjects);
  const Replay second = replay(
      policy("{allow: [b], rungs: [{rung: delay, when: {novel_exchanges_min: 4000}}, {rung: strip}]}"), kSubjects);
  const auto diff = changes(first, second);
  ASSERT_EQ(diff.size(), 3u);
  EXPECT_EQ(diff[0].subject, 0u);
  EXPECT_EQ(rungs_text(diff[0].come), "strip");
  EXPECT_EQ(diff[0].gone, 0);
  EXPECT_EQ(rungs_text(diff[1].gone), "delay");  // allowed now
  EXPECT_EQ(rungs_text(diff[2].gone), "delay");
  EXPECT_EQ(rungs_text(diff[2].come), "strip");
  EXPECT_TRUE(changes(first, first).empty());
}

}  // namespace
}  // namespace stillwatch::verdict
