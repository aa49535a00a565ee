#include "campaigns/succession.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace stillwatch::campaigns {
namespace {

Trace seen(int64_t first_ms, int64_t last_ms) {
  Trace t;
  t.first_ms = first_ms;
  t.last_ms = last_ms;
  return t;
}

// Share of pairs drawn by chance whose p-value is at most `a`.
double share_at_most(double a, const std::vector<Trace>& traces) {
  const Succession succession(traces);
  base::Random random(7);
  constexpr int kPairs = 50'000;
  int small = 0;
  for (int i = 0; i < kPairs; ++i) {
    const size_t x = random.below(traces.size());
    const size_t y = (x + 1 + random.below(traces.size() - 1)) % traces.size();
    small += succession.p(traces[x], traces[y]) <= a;
  }
  return static_cast<double>(small) / kPairs;
}

TEST(Succession, IsRareAmongStrangersWhateverTheirComingAndGoing) {
  base::Random random(3);
  std::vector<Trace> passing, regular;
  for (int i = 0; i < 2000; ++i) {
    const auto first = static_cast<int64_t>(random.below(10'000'000));
    passing.push_back(seen(first, first + static_cast<int64_t>(random.below(400'000))));
    const bool passes = random.chance(0.3);  // the others are there from the start to the end
    regular.push_back(passes ? passing.back()
                             : seen(static_cast<int64_t>(random.below(50'000)),
                                    9'950'000 + static_cast<int64_t>(random.below(50'000))));
  }
  for (const double a : {0.005, 0.02, 0.1, 0.3}) {
    EXPECT_LE(share_at_most(a, passing), a + 0.005) << a;
    EXPECT_LE(share_at_most(a, regular), a + 0.005) << a;
  }
  EXPECT_GE(share_at_most(0.1, passing), 0.07);  // and does speak
}

TEST(Succession, WhoBeginsNextAfterAnEndHasTheLeastPValue) {
  std::vector<Trace> traces{seen(0, 5'000), seen(5'010, 20'000)};
  for (int i = 0; i < 98; ++i) traces.push_back(seen(i, 30'000 + i));
  const Succession succession(traces);
  EXPECT_DOUBLE_EQ(succession.p(traces[0], traces[1]), 0.02);
  EXPECT_DOUBLE_EQ(succession.p(traces[1], traces[0]), 0.02);
}

TEST(Succession, IsNoneOfAccountsSeenAtTheSameTime) {
  const std::vector<Trace> traces{seen(0, 5'000), seen(4'999, 20'000)};
  EXPECT_EQ(Succession(traces).p(traces[0], traces[1]), 1);
}

// A course ends and the next one begins: everybody takes over from everybody.
TEST(Succession, ManyThatComeAndGoTogetherSayNothing) {
  std::vector<Trace> traces;
  for (int i = 0; i < 50; ++i) {
    traces.push_back(seen(i, 5'000 + i));
    traces.push_back(seen(6'000 + i, 9'000 + i));
  }
  const Succession succession(traces);
  EXPECT_EQ(succession.p(traces[0], traces[99]), 1);
  EXPECT_EQ(succession.p(traces[0], traces[1]), 1);
}

}  // namespace
}  // namespace stillwatch::campaigns
