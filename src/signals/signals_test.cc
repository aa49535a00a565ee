#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/random.h"
#include "signals/baseline.h"
#include "signals/crowd.h"

namespace stillwatch::signals {
namespace {

using features::Features;

Features prompt_of(uint64_t key, uint16_t cell, base::Random& random, double lean) {
  Features f;
  f.time = base::from_ms(1'772'409'600'000 + static_cast<int64_t>(key) * 60'000);
  f.answered = f.meaningful = true;
  f.prompt = base::Random(key).bits();
  f.cell = cell;
  f.prompt_words = 20;
  f.output_tokens = 100;
  features::Embedding e;
  double norm = 0;
  std::array<double, features::kEmbeddingSize> x;
  for (size_t d = 0; d < x.size(); ++d) {
    x[d] = random.normal() + (d < 8 ? lean : 0);
    norm += x[d] * x[d];
  }
  for (size_t d = 0; d < x.size(); ++d) e[d] = static_cast<int16_t>(features::kEmbeddingScale * x[d] / std::sqrt(norm));
  f.spectrum = features::spectrum_of(e);
  return f;
}

profile::Summary summary_of(int n, double lean, uint64_t seed) {
  base::Random random(seed);
  profile::Summary s;
  for (int i = 0; i < n; ++i)
    s.add(prompt_of(seed * 100'000 + static_cast<uint64_t>(i), static_cast<uint16_t>(i % 10), random, lean));
  return s;
}

TEST(Measure, RarefactionCountsWhatASampleWouldMeet) {
  profile::Summary s = summary_of(1000, 0, 1);  // ten areas, evenly
  EXPECT_NEAR(rarefied_richness(s, 1), 1, 1e-9);
  // 10 (1 - C(900, 20) / C(1000, 20)), by the product of twenty factors.
  double missed = 1;
  for (int i = 0; i < 20; ++i) missed *= (900.0 - i) / (1000.0 - i);
  EXPECT_NEAR(rarefied_richness(s, 20), 10 * (1 - missed), 1e-6);
  EXPECT_EQ(rarefied_richness(profile::Summary(), 20), 0);
}

TEST(Measure, IsUnbiasedForTheVolume) {
  // The mean kernel within a subject must not shrink as volume grows: small subjects only scatter more.
  double small = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) small += meaning_of(summary_of(20, 0.5, seed)).self / 60;
  const double large = meaning_of(summary_of(20'000, 0.5, 99)).self;
  EXPECT_NEAR(small, large, 0.006);
}

TEST(Measure, GivesFiniteValuesForAnything) {
  for (const int n : {0, 1, 2, 19}) {
    for (const float v : measure(summary_of(n, 0, 3)).values) EXPECT_TRUE(std::isfinite(v)) << n;
  }
}

TEST(Crowd, IsNearItsOwnAndFarFromOthersAtAnyVolume) {
  std::vector<Meaning> crowd;
  for (uint64_t seed = 1; seed <= 80; ++seed)
    crowd.push_back(meaning_of(summary_of(100, 0.2 * static_cast<double>(seed % 3), seed)));
  const Crowd c = Crowd::of(crowd);
  for (const int n : {40, 400, 4000}) {
    EXPECT_LT(c.shift(meaning_of(summary_of(n, 0.2, 500))), 0.1) << n;
    EXPECT_GT(c.shift(meaning_of(summary_of(n, 1.5, 501))), 0.2) << n;
  }
  for (size_t i = 0; i < c.axes.size(); ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double dot = 0;
      for (size_t k = 0; k < c.axes[i].size(); ++k)
        dot += static_cast<double>(c.axes[i][k]) * static_cast<double>(c.axes[j][k]);
      EXPECT_NEAR(dot, i == j ? 1 : 0, 1e-3);
    }
  }
  EXPECT_EQ(Crowd::of({}).shift(Meaning{}), 0);
}

TEST(Weights, IdentityCorroboratesAndNeverConvicts) {
  Weights w;
  w.up.fill(10);
  w.down.fill(-10);
  EXPECT_EQ(w.share(Signal::kClientUniform, 6), kIdentityShareMax);
  EXPECT_EQ(w.share(Signal::kClientUniform, -6), -kIdentityShareMax);
  EXPECT_EQ(w.share(Signal::kShift, 2), 20);
  EXPECT_EQ(w.share(Signal::kShift, -2), -20);
}

TEST(Weights, TheShippedOnesAreThereAndSigned) {
  const Weights& w = shipped_weights();
  double sum = 0;
  for (size_t s = 0; s < kSignals; ++s) {
    EXPECT_GE(w.up[s], 0);
    EXPECT_LE(w.down[s], 0);
    sum += w.up[s] - w.down[s];
  }
  EXPECT_GT(sum, 5);
}

TEST(Weights, OnesThatLackASignalAreRefused) {
  for (const char* text : {"", "[]", "{}", R"({"weights":{"shift":[0.5,-0.9]}})"})
    EXPECT_FALSE(Weights::parse(text)) << text;
}

TEST(Reference, ShipsAndIsUncalibrated) {
  const auto reference = Baseline::reference();
  ASSERT_NE(reference, nullptr);
  EXPECT_FALSE(reference->calibrated());
  EXPECT_EQ(reference->name(), "reference");
  EXPECT_GT(reference->subjects(), 300u);
  EXPECT_LT(reference->weigh(30).p_value, 1e-6);
  EXPECT_GT(reference->weigh(-3).p_value, 0.5);
}

TEST(Readings, NameAndExplainEverySignal) {
  std::set<std::string_view> names;
  const auto readings = Baseline::reference()->read(measure(summary_of(100, 0, 5)).values, 2);
  ASSERT_EQ(readings.size(), static_cast<size_t>(kSignals));
  for (const Reading& r : readings) {
    EXPECT_TRUE(names.insert(info_of(r.signal).name).second);
    EXPECT_FALSE(r.explanation.empty());
    EXPECT_LE(r.deviation, kDeviationMax);
    EXPECT_GE(r.deviation, kDeviationMin);
  }
  for (size_t i = 1; i < readings.size(); ++i) EXPECT_GE(readings[i - 1].share, readings[i].share);
}

}  // namespace
}  // namespace stillwatch::signals
