#include "pipeline/pipeline.h"

#include <gtest/gtest.h>

#include <cmath>

#include "pipeline/test_world.h"
#include "pipeline/watch.h"

namespace stillwatch::pipeline {
namespace {

TEST(Calibration, KeepsItsPromiseOnHonestAccountsNeverSeen) {
  // Over worlds: the share of honest accounts whose p-value, at the strongest of their looks, is at most a must be a.
  int below_10 = 0, below_05 = 0, flagged = 0, accounts = 0;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    World world(seed);
    const auto baseline = calibrated_on(world, 360);
    Pipeline pipeline(baseline, {}, {.false_alarms_per_10000 = 500});
    for (int i = 0; i < 150; ++i) world.fill(pipeline, world.honest(), volume(i + 7));
    const Findings findings = pipeline.findings();
    EXPECT_TRUE(findings.baseline.calibrated);
    EXPECT_FALSE(findings.baseline.drifted) << findings.baseline.drift_p_value;
    flagged += static_cast<int>(findings.accounts_flagged);
    accounts += static_cast<int>(findings.accounts_judged);
    for (const auto& a : findings.ranked) {
      below_10 += a.evidence.p_value <= 0.1;
      below_05 += a.evidence.p_value <= 0.05;
    }
  }
  EXPECT_EQ(flagged, below_05);  // the whole budget, whichever look it was
  // Three standard errors: of these accounts and of the some 240 that every world ranks them among.
  const double n = accounts, ranks = 8 * 240;
  EXPECT_NEAR(below_10 / n, 0.1, 3 * std::sqrt(0.09 / n + 0.09 / ranks));
  EXPECT_NEAR(below_05 / n, 0.05, 3 * std::sqrt(0.0475 / n + 0.0475 / ranks));
}

TEST(Pipeline, RanksHarvestersFirstAndSaysWhy) {
  World world(3);
  const auto baseline = calibrated_on(world, 700);
  Pipeline pipeline(baseline, {}, {.false_alarms_per_10000 = 100});
  for (int i = 0; i < 60; ++i) world.fill(pipeline, world.honest(), volume(i));
  for (int i = 0; i < 3; ++i) world.fill(pipeline, world.harvester(), 200);
  const Findings findings = pipeline.findings();
  ASSERT_GE(findings.ranked.size(), 63u);
  for (size_t i = 0; i < 3; ++i) {
    const AccountFinding& a = findings.ranked[i];
    EXPECT_TRUE(a.flagged) << a.evidence.p_value;
    EXPECT_EQ(a.verdict, verdict::Verdict::kHarvest);
    EXPECT_EQ(a.exchanges, 200u);
    EXPECT_GT(a.flagged_after, 0u);
    EXPECT_GT(a.exposure.novel_exchanges, 150);
    ASSERT_EQ(a.evidence.readings.size(), static_cast<size_t>(signals::kSignals));
    EXPECT_GT(a.evidence.readings.front().share, 0);
    EXPECT_FALSE(a.evidence.readings.front().explanation.empty());
  }
  EXPECT_LE(findings.accounts_flagged, 5u);
}

TEST(Pipeline, RanksFivePercentHarvestersFirstInTheTrafficItCalibratesOn) {
  World world(4);
  Pipeline pipeline(nullptr, {}, {});
  std::vector<std::string> hostile;
  for (int i = 0; i < 475; ++i) world.fill(pipeline, world.honest(), volume(i));
  for (int i = 0; i < 25; ++i) {
    auto a = world.harvester();
    hostile.push_back(a.name);
    world.fill(pipeline, a, 330);
  }
  const Findings findings = pipeline.findings();
  EXPECT_FALSE(findings.baseline.calibrated);
  EXPECT_EQ(findings.baseline.name, "this log");
  size_t first = 0, honest_flagged = 0;
  for (size_t i = 0; i < findings.ranked.size(); ++i) {
    const AccountFinding& a = findings.ranked[i];
    const bool is_hostile = std::find(hostile.begin(), hostile.end(), a.account) != hostile.end();
    first += i < hostile.size() && is_hostile;
    honest_flagged += a.flagged && !is_hostile;
    EXPECT_FALSE(a.evidence.calibrated);
  }
  EXPECT_GE(first, 24u);
  EXPECT_LE(honest_flagged, 1u);
  EXPECT_LT(findings.ranked.front().evidence.p_value, 0.01);
}

TEST(Pipeline, AnnouncesDrift) {
  World world(5);
  const auto baseline = calibrated_on(world, 400);
  Pipeline pipeline(baseline, {}, {});
  for (int i = 0; i < 150; ++i) {
    auto a = world.honest();
    a.foreign = 0.5;
    a.personal = 0.05;
    world.fill(pipeline, a, volume(i));
  }
  const Findings findings = pipeline.findings();
  EXPECT_TRUE(findings.baseline.drifted);
  EXPECT_LT(findings.baseline.drift_p_value, 0.001);
}

TEST(Pipeline, RespectsLabelsInVerdictsAndCalibration) {
  World world(6);
  const auto baseline = calibrated_on(world, 400);
  const auto bad = world.harvester();
  const auto good = world.honest();
  verdict::Labels labels;
  const base::Time later = base::from_ms(1'900'000'000'000);
  labels.set(bad.name, {verdict::LabelKind::kBenign, later, "ours"});
  labels.set(good.name, {verdict::LabelKind::kHostile, later, "seen it"});
  labels.set("account-gone", {verdict::LabelKind::kHostile, base::from_ms(1'000), "ran out"});
  Pipeline pipeline(baseline, labels, {.false_alarms_per_10000 = 100});
  world.fill(pipeline, bad, 200);
  world.fill(pipeline, good, 60);
  auto gone = world.honest();
  gone.name = "account-gone";
  world.fill(pipeline, gone, 60);
  for (const auto& a : pipeline.findings().ranked) {
    if (a.account == bad.name) {
      EXPECT_EQ(a.verdict, verdict::Verdict::kLabelledBenign);
      EXPECT_FALSE(a.flagged);
    } else if (a.account == good.name) {
      EXPECT_EQ(a.verdict, verdict::Verdict::kLabelledHostile);
      EXPECT_TRUE(a.flagged);
    } else {
      EXPECT_FALSE(a.label);
    }
  }
  // Hostile accounts take no part in calibration.
  Pipeline with(nullptr, {}, {});
  verdict::Labels all_hostile;
  World again(7);
  for (int i = 0; i < 60; ++i) {
    auto a = again.honest();
    if (i < 30) all_hostile.set(a.name, {verdict::LabelKind::kHostile, later, "x"});
    again.fill(with, a, 30);
  }
  EXPECT_TRUE(with.calibrate());
  Pipeline without(nullptr, all_hostile, {});
  World third(7);
  for (int i = 0; i < 60; ++i) third.fill(without, third.honest(), 30);
  EXPECT_FALSE(without.calibrate());
}

TEST(Pipeline, SaysWhatIsMissingToCalibrate) {
  Pipeline pipeline(nullptr, {}, {});
  World world(8);
  for (int i = 0; i < 5; ++i) world.fill(pipeline, world.honest(), 30);
  const auto baseline = pipeline.calibrate();
  ASSERT_FALSE(baseline);
  EXPECT_NE(baseline.error().message.find("only 5 accounts"), std::string::npos);
}

TEST(Pipeline, CountsFailuresApart) {
  Pipeline pipeline(nullptr, {}, {});
  World world(9);
  const auto a = world.honest();
  Features f = world.ask(a, 0);
  f.answered = false;
  for (int i = 0; i < 50; ++i) pipeline.observe(a.name, "org", f);
  const Findings findings = pipeline.findings();
  EXPECT_EQ(findings.failed, 50u);
  EXPECT_EQ(findings.exchanges, 0u);
  ASSERT_EQ(findings.ranked.size(), 1u);
  EXPECT_EQ(findings.ranked[0].verdict, verdict::Verdict::kInsufficient);
}

TEST(Watch, LooksAtDoublingVolumesAndAnewEveryEpoch) {
  World world(10);
  const auto a = world.honest();
  Watch watch;
  std::vector<uint64_t> at;
  for (int i = 0; i < 100; ++i) {
    if (const auto seen = watch.observe(world.ask(a, 0))) at.push_back(seen->exchanges);
  }
  EXPECT_EQ(at, (std::vector<uint64_t>{20, 40, 80}));
  at.clear();
  for (int i = 0; i < 50; ++i) {
    Features f = world.ask(a, 0);
    f.time += std::chrono::milliseconds(40 * base::kDayMs);
    if (const auto seen = watch.observe(f)) {
      at.push_back(seen->exchanges);
      EXPECT_EQ(seen->sighting->parts.size(), 2u);
    }
  }
  EXPECT_EQ(at, (std::vector<uint64_t>{20, 40}));
}

TEST(Baseline, ReadsBackWhatItWrote) {
  World world(11);
  const auto baseline = calibrated_on(world, 320);
  const auto copy = signals::Baseline::parse(baseline->to_json());
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(copy->to_json(), baseline->to_json());
  Pipeline one(baseline, {}, {}), two(std::make_shared<const signals::Baseline>(*copy), {}, {});
  World left(12), right(12);
  for (int i = 0; i < 20; ++i) {
    left.fill(one, left.honest(), 90);
    right.fill(two, right.honest(), 90);
  }
  const Findings a = one.findings(), b = two.findings();
  for (size_t i = 0; i < a.ranked.size(); ++i)
    EXPECT_NEAR(a.ranked[i].evidence.score, b.ranked[i].evidence.score, 1e-3);
  for (const char* text :
       {"", "{}", "[]", "{\"stillwatch_baseline\":2}", "{\"stillwatch_baseline\":1,\"embedding_version\":1}"}) {
    EXPECT_FALSE(signals::Baseline::parse(text)) << text;
  }
}

}  // namespace
}  // namespace stillwatch::pipeline
