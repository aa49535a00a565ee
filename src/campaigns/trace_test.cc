#include "campaigns/trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "base/hash.h"

namespace stillwatch::campaigns {
namespace {

using features::Features;
using features::Kind;

// `turned`: the other manner belongs to each of two topics.
profile::Summary of_two_topics(bool turned) {
  profile::Summary s;
  for (int i = 0; i < 40; ++i) {
    Features f;
    f.answered = f.meaningful = true;
    f.prompt_words = 20;
    features::Embedding e{};
    e[i % 2] = features::kEmbeddingScale;
    f.spectrum = features::spectrum_of(e);
    f.kinds = 1u << static_cast<int>((i % 2 == 1) == turned ? Kind::kInstruction : Kind::kPersonal);
    s.add(f);
  }
  return s;
}

TEST(Trace, TellsWhichTopicGoesWithWhichManner) {
  const Trace x = Trace::of("x", of_two_topics(false));
  const Trace y = Trace::of("y", of_two_topics(true));
  double joint = 0, apart = 0;
  for (size_t i = 0; i < kCoordinates; ++i) {
    const double difference = std::abs(static_cast<double>(x.mean[i]) - static_cast<double>(y.mean[i]));
    (i >= features::kSpectrumSize && i < 2 * features::kSpectrumSize ? joint : apart) += difference;
  }
  EXPECT_EQ(apart, 0);
  EXPECT_GT(joint, 10);
}

TEST(Trace, CountsNoPromptsWhoseJointSpectrumIsNotKnown) {
  profile::Summary s = of_two_topics(false);
  EXPECT_EQ(Trace::of("x", s).exchanges, 40u);
  s.jointly = 15;
  EXPECT_EQ(Trace::of("x", s).exchanges, 15u);
  s.jointly = profile::kJointlyMax + 1;
  EXPECT_EQ(Trace::of("x", s).exchanges, 0u);
}

// Of openings `from` to `to`, as all accounts know them.
Trace with_openings(uint64_t from, uint64_t to) {
  profile::Summary s;
  for (uint64_t i = from; i < to; ++i) {
    Features f;
    f.answered = f.meaningful = true;
    f.opening = base::combine(7, i);
    s.add(f);
  }
  return Trace::of("x", s);
}

size_t shared(const Trace& x, const Trace& y, KeyKind kind) {
  std::set<uint64_t> of_x;
  for (const Key& k : x.keys) {
    if (k.kind == kind) of_x.insert(k.hash);
  }
  return static_cast<size_t>(std::count_if(y.keys.begin(), y.keys.end(),
                                           [&](const Key& k) { return k.kind == kind && of_x.contains(k.hash); }));
}

TEST(Trace, SharesBandsWithWhoStartsHisPromptsMuchAsOthersDo) {
  double alike = 0, half = 0;
  constexpr int kTimes = 100;
  for (uint64_t i = 0; i < kTimes; ++i) {
    const Trace x = with_openings(1000 * i, 1000 * i + 50);
    EXPECT_EQ(shared(x, x, KeyKind::kOpenings), kBands);
    EXPECT_EQ(shared(x, with_openings(1000 * i + 50, 1000 * i + 100), KeyKind::kOpenings), 0u);
    alike += shared(x, with_openings(1000 * i + 5, 1000 * i + 55), KeyKind::kOpenings) > 0;
    half += shared(x, with_openings(1000 * i + 33, 1000 * i + 83), KeyKind::kOpenings) > 0;
  }
  EXPECT_GE(alike / kTimes, 0.95);  // nine tenths of the openings of both are the same
  EXPECT_LE(half / kTimes, 0.5);    // a fifth
}

TEST(Trace, HoldsNoMoreKeysThanItSays) {
  std::array<size_t, 6> of_kind{};
  profile::Summary s;
  for (uint64_t i = 1; i <= 300; ++i) {
    Features f;
    f.answered = f.meaningful = true;
    f.prompt = base::combine(1, i);
    f.opening = base::combine(2, i);
    f.system = base::combine(3, i);
    f.network = base::combine(4, i);
    f.client = base::combine(5, i);
    s.add(f);
  }
  for (const Key& k : Trace::of("x", s).keys) ++of_kind[static_cast<size_t>(k.kind)];
  for (size_t k = 0; k < of_kind.size(); ++k) EXPECT_EQ(of_kind[k], keys_max(static_cast<KeyKind>(k))) << k;
}

}  // namespace
}  // namespace stillwatch::campaigns
