#include <gtest/gtest.h>

#include <map>

#include "base/hash.h"
#include "base/random.h"
#include "sketch/bottom_k.h"
#include "sketch/count_min.h"
#include "sketch/hyperloglog.h"

namespace stillwatch::sketch {
namespace {

using Counts = SparseArray<uint32_t, 256>;

template <typename Sketch>
Sketch round_trip(const Sketch& sketch) {
  base::Writer out;
  sketch.write(out);
  base::Reader in(out.bytes());
  Sketch copy;
  EXPECT_TRUE(copy.read(in));
  EXPECT_TRUE(in.done());
  return copy;
}

// Fills three sketches from a seed and checks the laws that let profiles be pooled in any order.
template <typename Sketch, typename Fill>
void expect_merge_laws(Fill fill) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    base::Random random(seed);
    Sketch a, b, c, all;
    for (Sketch* part : {&a, &b, &c}) {
      const uint64_t n = random.below(400);
      for (uint64_t i = 0; i < n; ++i) {
        const uint64_t hash = base::combine(random.below(300), 7);
        fill(*part, hash);
        fill(all, hash);
      }
    }
    Sketch left = a;
    left.merge(b);
    left.merge(c);
    Sketch right = c;
    right.merge(b);
    right.merge(a);
    Sketch nested = b;
    nested.merge(c);
    Sketch outer = a;
    outer.merge(nested);
    EXPECT_EQ(left, all) << "seed " << seed;
    EXPECT_EQ(right, all) << "seed " << seed;
    EXPECT_EQ(outer, all) << "seed " << seed;
    EXPECT_EQ(round_trip(all), all) << "seed " << seed;
  }
}

TEST(SparseArray, LooksTheSameSparseAndDense) {
  Counts sparse;
  Counts dense;
  for (size_t i = 0; i < 256; ++i) dense.add(i, 1);
  for (size_t i = 0; i < 256; i += 50) sparse.add(i, 3);
  EXPECT_EQ(sparse[50], 3u);
  EXPECT_EQ(sparse[51], 0u);
  EXPECT_EQ(sparse.sum(), 18u);
  EXPECT_EQ(dense.nonzero(), 256u);
  EXPECT_LT(sparse.bytes(), dense.bytes());
  dense.merge_add(sparse);
  EXPECT_EQ(dense[50], 4u);
  EXPECT_EQ(round_trip(dense), dense);
  EXPECT_EQ(round_trip(sparse), sparse);
}

TEST(SparseArray, SaturatesInsteadOfWrapping) {
  SparseArray<uint8_t, 4> a;
  a.add(1, 200);
  a.add(1, 100);
  EXPECT_EQ(a[1], 255);
}

TEST(SparseArray, RefusesBytesItDidNotWrite) {
  const auto reads = [](std::initializer_list<uint64_t> numbers) {
    base::Writer out;
    for (const uint64_t n : numbers) out.varint(n);
    base::Reader in(out.bytes());
    Counts c;
    return c.read(in);
  };
  EXPECT_TRUE(reads({1, 255, 1}));
  EXPECT_FALSE(reads({1, 256, 1}));
  EXPECT_FALSE(reads({2, 255, 1, 0, 1}));
  EXPECT_FALSE(reads({1, 0, 0}));
  EXPECT_FALSE(reads({1, 0, uint64_t{1} << 40}));
  EXPECT_FALSE(reads({300}));
  EXPECT_FALSE(reads({2, 0, 1}));
}

TEST(HyperLogLog, CountsDistinctWithinItsError) {
  for (const uint64_t n : {1u, 10u, 100u, 1'000u, 10'000u, 300'000u}) {
    HyperLogLog<10> sketch;
    for (uint64_t i = 0; i < n; ++i) {
      sketch.add(base::combine(i, 1));
      if (i % 3 == 0) sketch.add(base::combine(i, 1));
    }
    EXPECT_NEAR(sketch.estimate(), static_cast<double>(n), 4 * 1.04 / 32 * static_cast<double>(n) + 0.6) << n;
  }
  EXPECT_EQ(HyperLogLog<10>().estimate(), 0);
}

TEST(BottomK, KeepsExactCountsOfItsSample) {
  BottomK<16> sketch;
  std::map<uint64_t, uint32_t> truth;
  base::Random random(3);
  for (int i = 0; i < 5000; ++i) {
    const uint64_t hash = base::combine(random.below(200), 9);
    sketch.add(hash);
    ++truth[hash];
  }
  ASSERT_EQ(sketch.entries().size(), 16u);
  auto expected = truth.begin();
  for (const auto& entry : sketch.entries()) {
    EXPECT_EQ(entry.hash, expected->first);
    EXPECT_EQ(entry.count, expected->second);
    ++expected;
  }
  EXPECT_FALSE(sketch.complete());
}

TEST(CountMin, NeverReadsLowAndSeesConcentration) {
  CountMin<64, 2> spread, peaked;
  for (uint64_t i = 0; i < 1000; ++i) {
    spread.add(base::combine(i, 1));
    peaked.add(i % 2 == 0 ? base::combine(77, 1) : base::combine(i, 1));
  }
  EXPECT_GE(peaked.count(base::combine(77, 1)), 500u);
  EXPECT_NEAR(peaked.collision(1000), 0.25, 0.02);
  EXPECT_NEAR(spread.collision(1000), 0, 0.005);
}

TEST(Sketches, MergeExactlyInAnyOrder) {
  expect_merge_laws<HyperLogLog<10>>([](auto& s, uint64_t h) { s.add(h); });
  expect_merge_laws<BottomK<32>>([](auto& s, uint64_t h) { s.add(h); });
  expect_merge_laws<CountMin<64, 2>>([](auto& s, uint64_t h) { s.add(h); });
}

}  // namespace
}  // namespace stillwatch::sketch
