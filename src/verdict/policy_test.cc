#include "verdict/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillwatch::verdict {
namespace {

base::Result<Policy> parse(std::string_view yaml) {
  auto map = base::YamlMap::parse(yaml, "p.yaml");
  if (!map) return tl::unexpected(map.error());
  Policy policy = Policy::read(*map);
  if (auto error = map->finish()) return tl::unexpected(*error);
  return policy;
}

std::string error_of(std::string_view yaml) {
  const auto policy = parse(yaml);
  return policy ? "" : policy.error().message;
}

constexpr std::string_view kLadder = R"(
mode: enforce
allow: [acct_ours, team-*]
rungs:
  - {rung: delay, delay_ms: 250, when: {flagged: false, p_value_max: 0.01}}
  - {rung: strip, what: [logprobs]}
  - rung: refuse
    when: {novel_exchanges_min: 500, output_tokens_min: 1000, coverage_min: 0.1}
    status: 429
    message: come back later
)";

Standing harvest(std::string_view account = "a") {
  return {account, Verdict::kHarvest, 0.0001, true, {1000, 50'000, 0.5}};
}

TEST(Policy, ClimbsTheLadderWithEvidenceAndExposure) {
  const Policy policy = parse(kLadder).value();
  Standing s = harvest();
  Decision d = policy.decide(s);
  EXPECT_EQ(d.delay_ms, 250u);
  EXPECT_EQ(d.what, kLogprobs);
  ASSERT_NE(d.refusal, nullptr);
  EXPECT_EQ(d.refusal->status, 429);
  EXPECT_EQ(d.enforced, 19);
  EXPECT_EQ(d.observed, 0);
  s.exposure.novel_exchanges = 499;
  EXPECT_EQ(policy.decide(s).refusal, nullptr);
  s.verdict = Verdict::kClear;
  d = policy.decide(s);
  EXPECT_EQ(d.delay_ms, 250u);
  EXPECT_EQ(d.what, 0);
  s.p_value = 0.011;
  EXPECT_TRUE(policy.decide(s).nothing());
  s.verdict = Verdict::kInsufficient;
  EXPECT_TRUE(policy.decide(s).nothing());
}

TEST(Policy, ActsOnACampaignAsOne) {
  const Policy policy = parse(R"(
mode: enforce
rungs:
  - {rung: delay, per_minute: 30}
  - {rung: delay, per_minute: 60, when: {campaign: true}}
  - {rung: delay, per_minute: 10, when: {campaign: true}}
  - {rung: mark, what: [canary], when: {campaign: true}}
)")
                            .value();
  Standing s{"a", Verdict::kHarvest, 1e-6, true, {26, 5000, 0.01}, CampaignStanding{"c", 0.001, true, {}}};
  EXPECT_EQ(policy.decide(s).per_minute, 30u);
  EXPECT_EQ(policy.decide(s).campaign_per_minute, 10u);
  EXPECT_FALSE(policy.decide(s).campaign_key);  // canaries are of accounts
  s.campaign = std::nullopt;
  EXPECT_EQ(policy.decide(s).campaign_per_minute, 0u);
  const Policy marks = parse("{mode: enforce, rungs: [{rung: mark}, {rung: mark, when: {campaign: true}}]}").value();
  EXPECT_FALSE(marks.decide(s).campaign_key);
  s.campaign = CampaignStanding{"c", 0.001, true, {}};
  EXPECT_TRUE(marks.decide(s).campaign_key);
}

TEST(Policy, ActsOnMembersOfFlaggedCampaignsWhereARungSaysSo) {
  const Policy policy = parse(R"(
mode: enforce
allow: [acct_ours]
rungs:
  - {rung: refuse}
  - {rung: delay, when: {campaign: true, p_value_max: 0.01, novel_exchanges_min: 500}}
)")
                            .value();
  Standing s{"a", Verdict::kClear, 0.4, true, {26, 5000, 0.01}};
  EXPECT_TRUE(policy.decide(s).nothing());
  s.campaign = {"c", 0.001, true, {10'000, 2'000'000, 0.5}};
  EXPECT_EQ(policy.decide(s).enforced, 1);  // its own evidence does not refuse it
  s.campaign->calibrated = false;
  EXPECT_EQ(policy.decide(s).enforced, 0);
  EXPECT_EQ(policy.decide(s).observed, 1);
  s.campaign->calibrated = true;
  s.campaign->exposure.novel_exchanges = 499;
  EXPECT_TRUE(policy.decide(s).nothing());
  s.campaign = {"c", 0.02, true, {10'000, 2'000'000, 0.5}};
  EXPECT_TRUE(policy.decide(s).nothing());
  s.campaign->p_value = 0.001;
  s.account = "acct_ours";
  EXPECT_TRUE(policy.decide(s).nothing());
  s.account = "a";
  s.verdict = Verdict::kLabelledBenign;
  EXPECT_TRUE(policy.decide(s).nothing());
  EXPECT_THAT(error_of("rungs: [{rung: strip, when: {campaign: true, flagged: false, p_value_max: 0.01}}]"),
              testing::HasSubstr("leave `flagged` out"));
}

TEST(Policy, LeavesAloneWhomItIsToldTo) {
  const Policy policy = parse(kLadder).value();
  EXPECT_TRUE(policy.decide(harvest("acct_ours")).nothing());
  EXPECT_TRUE(policy.decide(harvest("team-7")).nothing());
  EXPECT_FALSE(policy.decide(harvest("acct_ours2")).nothing());
  Standing s = harvest();
  s.verdict = Verdict::kLabelledBenign;
  EXPECT_TRUE(policy.decide(s).nothing());
}

TEST(Policy, ActsOnCalibratedEvidenceAndOnLabelsOnly) {
  Policy policy = parse(kLadder).value();
  Standing s = harvest();
  s.calibrated = false;
  EXPECT_EQ(policy.decide(s).enforced, 0);
  EXPECT_EQ(policy.decide(s).observed, 19);
  s.verdict = Verdict::kLabelledHostile;
  s.p_value = 1;
  EXPECT_EQ(policy.decide(s).enforced, 19);
  policy = parse("{mode: enforce, act_uncalibrated: true, rungs: [{rung: strip}]}").value();
  s.verdict = Verdict::kHarvest;
  EXPECT_EQ(policy.decide(s).enforced, 2);
}

TEST(Policy, ObservesUnlessItIsToldToAct) {
  const Policy policy =
      parse("rungs: [{rung: refuse}, {rung: strip, mode: off}, {rung: delay, mode: enforce}]").value();
  const Decision d = policy.decide(harvest());
  EXPECT_EQ(d.observed, 16);
  EXPECT_EQ(d.enforced, 1);
  EXPECT_EQ(d.refusal, nullptr);
}

TEST(Policy, StripsMarksAndChallengesAsItIsTold) {
  const Policy policy = parse(R"(
mode: enforce
rungs:
  - {rung: strip, what: [logprobs, reasoning]}
  - {rung: mark}
  - {rung: mark, what: [canary, watermark], drafts: 8}
  - {rung: challenge, url: "https://models.example/verify", pass_s: 3600}
)")
                            .value();
  const Decision d = policy.decide(harvest());
  EXPECT_EQ(d.what, kLogprobs | kReasoning | kWatermark | kCanary);
  EXPECT_EQ(d.drafts, 8u);
  ASSERT_NE(d.challenge, nullptr);
  EXPECT_EQ(d.challenge->url, "https://models.example/verify");
  EXPECT_EQ(d.challenge->pass_s, 3600u);
  EXPECT_EQ(d.enforced, 2 | 4 | 8);
  EXPECT_EQ(error_of("rungs:\n  - {rung: strip, what: [canary]}"),
            "p.yaml:2:5: `what` is a list of logprobs, reasoning");
  EXPECT_EQ(error_of("rungs:\n  - {rung: challenge}"), "p.yaml:2:5: `url` is missing");
  EXPECT_EQ(error_of("rungs:\n  - {rung: mark, what: [canary], drafts: 3}"), "p.yaml:2:34: `drafts` is not known here");
}

TEST(Policy, SaysWhereItIsWrong) {
  EXPECT_EQ(error_of("mode: maybe"), "p.yaml:1:7: `mode` is none of off, observe, enforce");
  EXPECT_EQ(error_of("rungs:\n  - rung: shout"),
            "p.yaml:2:11: `rung` is none of delay, strip, mark, challenge, refuse");
  EXPECT_EQ(error_of("rungs:\n  - {rung: delay, delay_ms: 1.5}"), "p.yaml:2:29: `delay_ms` is not a whole number");
  EXPECT_EQ(error_of("rungs:\n  - {rung: strip, delay_ms: 15}"), "p.yaml:2:19: `delay_ms` is not known here");
  EXPECT_EQ(error_of("rungs:\n  - {mode: off}"), "p.yaml:2:5: `rung` is missing");
  EXPECT_EQ(error_of("rungs:\n  - {rung: refuse, when: {coverage_min: 7}}"),
            "p.yaml:2:41: `coverage_min` is not a number from 0 to 1");
  EXPECT_THAT(error_of("rungs:\n  - {rung: refuse, when: {flagged: false}}"), testing::HasSubstr("to everybody"));
  EXPECT_EQ(error_of("rungs: 7"), "p.yaml:1:8: `rungs` is not a list");
  EXPECT_EQ(error_of("rungs: [7]"), "p.yaml:1:9: `rung` is missing");
  EXPECT_THAT(error_of("a: [1, 2"), testing::StartsWith("p.yaml:"));
}

}  // namespace
}  // namespace stillwatch::verdict
