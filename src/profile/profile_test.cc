#include "profile/profile.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/limits.h"
#include "base/random.h"
#include "profile/test_bytes.h"

namespace stillwatch::profile {
namespace {

using features::Features;

// A record with everything set somehow; `spread_ms` of time from 2026.
Features random_features(base::Random& random, int64_t spread_ms) {
  Features f;
  f.time = base::from_ms(1'767'225'600'000 + static_cast<int64_t>(random.below(static_cast<uint64_t>(spread_ms))));
  f.prompt = random.below(500) * 0x9e3779b97f4a7c15ULL;
  f.opening = random.below(40) * 0xbf58476d1ce4e5b9ULL;
  f.closing = random.bits();
  f.system = random.chance(0.5) ? random.below(5) * 0x94d049bb133111ebULL : 0;
  f.network = random.bits() >> 60 << 32;
  f.client = random.below(3) + 1;
  f.user = random.chance(0.2) ? random.bits() : 0;
  f.shingle_count = static_cast<uint32_t>(random.below(features::kShinglesMax + 1));
  for (uint32_t i = 0; i < f.shingle_count; ++i) f.shingles[i] = random.bits();
  f.kinds = static_cast<uint32_t>(random.below(1u << features::kKinds));
  f.traits = static_cast<uint32_t>(random.below(1u << features::kTraits));
  f.prompt_words = static_cast<uint32_t>(random.below(3000));
  f.context_tokens = static_cast<uint32_t>(random.below(100'000));
  f.output_tokens = static_cast<uint32_t>(random.below(4000));
  f.depth = static_cast<uint32_t>(random.below(50));
  f.cell = static_cast<uint16_t>(random.below(features::kCells));
  f.script = static_cast<features::Script>(random.below(features::kScripts));
  f.answered = random.chance(0.95);
  f.refused = random.chance(0.05);
  f.meaningful = random.chance(0.97);
  for (int8_t& v : f.spectrum) v = static_cast<int8_t>(static_cast<int>(random.below(255)) - 127);
  return f;
}

Profile profile_of(const std::vector<Features>& records) {
  Profile p;
  for (const Features& f : records) p.add(f);
  return p;
}

TEST(Profile, IsTheSameHoweverTheStreamIsCutAndOrdered) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    base::Random random(seed);
    std::vector<Features> records;
    const uint64_t n = 1 + random.below(300);
    for (uint64_t i = 0; i < n; ++i) records.push_back(random_features(random, 100 * base::kDayMs));
    const Profile whole = profile_of(records);

    random.shuffle(std::span(records));
    EXPECT_EQ(profile_of(records), whole) << "order, seed " << seed;

    std::vector<Profile> parts(1 + random.below(6));
    for (const Features& f : records) parts[random.below(parts.size())].add(f);
    Profile merged;
    random.shuffle(std::span(parts));
    for (const Profile& part : parts) merged.merge(part);
    EXPECT_EQ(merged, whole) << "cut, seed " << seed;

    Profile tail;
    for (size_t i = parts.size(); i > 1; --i) tail.merge(parts[i - 1]);
    Profile nested = parts[0];
    nested.merge(tail);
    EXPECT_EQ(nested, whole) << "association, seed " << seed;
    EXPECT_EQ(nested.serialize(), whole.serialize()) << "bytes, seed " << seed;
  }
}

TEST(Profile, KeepsTheCurrentEpochApartFromThePast) {
  base::Random random(5);
  Profile p;
  Features f = random_features(random, 1);
  f.answered = true;
  f.time = base::from_ms(10 * base::kEpochMs + 5);
  for (int i = 0; i < 30; ++i) p.add(f);
  f.time = base::from_ms(11 * base::kEpochMs + 5);
  for (int i = 0; i < 7; ++i) p.add(f);
  f.time = base::from_ms(10 * base::kEpochMs + 6);
  p.add(f);  // late
  EXPECT_EQ(p.current().exchanges, 7u);
  ASSERT_NE(p.past(), nullptr);
  EXPECT_EQ(p.past()->exchanges, 31u);
  EXPECT_EQ(p.lifetime().exchanges, 38u);
}

TEST(Profile, StaysWithinItsBoundAndIsSmallWhileYoung) {
  base::Random random(6);
  Profile p;
  for (int i = 0; i < 20; ++i) p.add(random_features(random, base::kDayMs));
  EXPECT_LT(p.bytes(), 8u << 10) << p.current().bytes();
  EXPECT_LT(p.serialize().size(), 3u << 10);
  for (int i = 0; i < 60'000; ++i) p.add(random_features(random, 90 * base::kDayMs));
  EXPECT_LE(p.bytes(), base::kProfileBytesMax);
  EXPECT_LE(p.serialize().size(), base::kProfileBytesMax);
}

TEST(Profile, ReadsBackWhatItWrote) {
  base::Random random(7);
  Profile p;
  for (int i = 0; i < 500; ++i) p.add(random_features(random, 60 * base::kDayMs));
  const auto copy = Profile::parse(p.serialize());
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(*copy, p);
  EXPECT_EQ(copy->bytes() <= base::kProfileBytesMax, true);
}

TEST(Profile, OfAnOlderProgramGoesOnWithoutTheJointSpectrumOfItsPrompts) {
  base::Random random(7);
  Profile p;
  for (int i = 0; i < 500; ++i) p.add(random_features(random, 60 * base::kDayMs));
  ASSERT_NE(p.past(), nullptr);
  auto old = Profile::parse(without_joint(p));
  ASSERT_TRUE(old) << old.error().message;
  EXPECT_EQ(old->lifetime().jointly, 0u);
  EXPECT_EQ(old->lifetime().meaningful, p.lifetime().meaningful);
  EXPECT_EQ(old->lifetime().spectrum, p.lifetime().spectrum);
  Profile later;
  for (int i = 0; i < 60; ++i) later.add(random_features(random, 60 * base::kDayMs));
  old->merge(later);
  EXPECT_EQ(old->lifetime().jointly, later.lifetime().meaningful);
  EXPECT_EQ(old->lifetime().joint, later.lifetime().joint);
  EXPECT_EQ(*Profile::parse(old->serialize()), *old);
}

TEST(Profile, RefusesAnotherEmbeddingVersionByName) {
  std::string bytes = Profile().serialize();
  bytes[4] = 99;
  const auto parsed = Profile::parse(bytes);
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message.find("version 99"), std::string::npos);
  EXPECT_NE(parsed.error().message.find("rebuild"), std::string::npos);
}

TEST(Profile, RefusesEveryTruncationAndSurvivesEveryFlippedByte) {
  base::Random random(8);
  Profile p;
  for (int i = 0; i < 40; ++i) p.add(random_features(random, 60 * base::kDayMs));
  const std::string bytes = p.serialize();
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(Profile::parse(bytes.substr(0, size))) << size;
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
    const auto parsed = Profile::parse(damaged);
    if (parsed) {
      EXPECT_LE(parsed->bytes(), base::kProfileBytesMax);
    }
  }
}

TEST(Summary, BinsSizesByHalfDoublings) {
  EXPECT_EQ(size_bin(0), 0u);
  EXPECT_EQ(size_bin(1), 0u);
  EXPECT_EQ(size_bin(2), 2u);
  EXPECT_EQ(size_bin(3), 3u);
  EXPECT_EQ(size_bin(4), 4u);
  EXPECT_EQ(size_bin(0xffffffff), kSizeBins - 1);
  EXPECT_EQ(depth_bin(0), 0u);
  EXPECT_EQ(depth_bin(4), 3u);
  EXPECT_EQ(depth_bin(5), 4u);
  EXPECT_EQ(depth_bin(1000), kDepthBins - 1);
}

TEST(Summary, CountsFailedExchangesNowhereElse) {
  base::Random random(9);
  Summary s;
  Features f = random_features(random, 1);
  f.answered = false;
  s.add(f);
  EXPECT_EQ(s.failed, 1u);
  EXPECT_EQ(s.exchanges, 0u);
  EXPECT_EQ(s.traits.sum(), 0u);
}

}  // namespace
}  // namespace stillwatch::profile
