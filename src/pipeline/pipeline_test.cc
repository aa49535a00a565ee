#include "pipeline/pipeline.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/random.h"
#include "pipeline/watch.h"

namespace stillwatch::pipeline {
namespace {

using features::Features;
using features::Kind;
using features::Trait;

// A world of topics; accounts have a few of them and a manner of their own. Harvesters ask everything once, in the same
// impersonal manner, from a slightly different world.
class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {
    for (auto& topic : topics_) {
      for (double& x : topic) x = random_.normal();
    }
    for (double& x : foreign_) x = random_.normal();
  }

  struct Account {
    std::string name;
    double focus = 0.5;  // share of the main topic
    size_t topic = 0;
    double personal = 0.3, follow_up = 0.1, history = 0.4, capital = 0.6, length = 4, spread = 1.2, repeats = 0.05;
    double foreign = 0;  // how far its prompts lean out of the world
    int64_t start_ms = 0;
  };

  Account honest() {
    Account a;
    a.name = "account-" + std::to_string(random_.bits());
    a.focus = 0.2 + 0.5 * random_.uniform();
    a.topic = random_.below(topics_.size());
    a.personal = std::clamp(0.35 + 0.15 * random_.normal(), 0.02, 0.95);
    a.follow_up = std::clamp(0.1 + 0.05 * random_.normal(), 0.0, 0.5);
    a.history = std::clamp(0.4 + 0.2 * random_.normal(), 0.0, 0.9);
    a.capital = std::clamp(0.5 + 0.2 * random_.normal(), 0.05, 0.95);
    a.length = 4 + 0.5 * random_.normal();
    a.repeats = 0.1 * random_.uniform();
    return a;
  }

  Account harvester() {
    Account a = honest();
    a.focus = 0;
    a.personal = 0.02;
    a.follow_up = 0;
    a.history = 0;
    a.capital = 0.97;
    a.spread = 0.4;
    a.repeats = 0;
    a.foreign = 0.8;
    return a;
  }

  Features ask(const Account& a, int64_t i) {
    Features f;
    f.time = base::from_ms(1'772'409'600'000 + i * 3'600'000);
    f.answered = f.meaningful = true;
    const size_t topic = random_.chance(a.focus) ? a.topic : random_.below(topics_.size());
    std::array<double, features::kEmbeddingSize> x;
    double norm = 0;
    for (size_t d = 0; d < x.size(); ++d) {
      x[d] = topics_[topic][d] + 1.2 * random_.normal() + a.foreign * foreign_[d];
      norm += x[d] * x[d];
    }
    features::Embedding e;
    for (size_t d = 0; d < x.size(); ++d)
      e[d] = static_cast<int16_t>(features::kEmbeddingScale * x[d] / std::sqrt(norm));
    f.spectrum = features::spectrum_of(e);
    f.cell = features::cell_of(e);
    f.prompt = random_.chance(a.repeats) ? 12345 : random_.bits();
    f.opening = random_.bits();
    f.closing = random_.bits();
    f.shingle_count = 2;
    f.shingles[0] = random_.bits();
    f.shingles[1] = random_.bits();
    f.prompt_words = static_cast<uint32_t>(std::exp2(std::clamp(a.length + a.spread * random_.normal(), 0.0, 12.0)));
    f.output_tokens = static_cast<uint32_t>(std::exp2(std::clamp(7 + random_.normal(), 0.0, 12.0)));
    const auto set = [&](auto& bits, auto what, double chance) {
      bits |= static_cast<uint32_t>(random_.chance(chance)) << static_cast<int>(what);
    };
    set(f.kinds, Kind::kPersonal, a.personal);
    set(f.kinds, Kind::kFollowUp, a.follow_up);
    set(f.kinds, Kind::kInstruction, a.foreign > 0 ? 0.7 : 0.1);
    set(f.traits, Trait::kHistory, a.history);
    set(f.traits, Trait::kCapitalStart, a.capital);
    set(f.traits, Trait::kTerminalEnd, a.capital);
    return f;
  }

  void fill(Pipeline& pipeline, const Account& a, int64_t exchanges) {
    for (int64_t i = 0; i < exchanges; ++i) pipeline.observe(a.name, "", ask(a, i % 600));
  }

 private:
  base::Random random_;
  std::array<std::array<double, features::kEmbeddingSize>, 24> topics_;
  std::array<double, features::kEmbeddingSize> foreign_;
};

int64_t volume(int i) {
  return 25 + (i * 37) % 200;
}

std::shared_ptr<const signals::Baseline> calibrated_on(World& world, int accounts) {
  Pipeline pipeline(nullptr, {}, {});
  for (int i = 0; i < accounts; ++i) world.fill(pipeline, world.honest(), volume(i));
  auto baseline = pipeline.calibrate();
  EXPECT_TRUE(baseline) << (baseline ? "" : baseline.error().message);
  return std::make_shared<const signals::Baseline>(std::move(*baseline));
}

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
