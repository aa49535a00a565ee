#include "campaigns/group.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/random.h"

namespace stillwatch::campaigns {
namespace {

constexpr size_t kAxes = 8;
constexpr size_t kHonest = 20'000;

// Honest points vary by one in every direction; members lean by `shift` along the first axis.
std::vector<Point> crowd(base::Random& random, size_t members, double shift) {
  std::vector<Point> points(members + kHonest, Point(kAxes));
  for (size_t i = 0; i < points.size(); ++i) {
    for (float& x : points[i]) x = static_cast<float>(random.normal());
    if (i < members) points[i][0] += static_cast<float>(shift);
  }
  return points;
}

struct Recruited {
  double members = 0;
  double strangers = 0;
};
// On average of `worlds`, of a group that begins as a tenth of its members.
Recruited recruited(size_t members, double shift, int worlds) {
  Recruited out;
  for (int seed = 1; seed <= worlds; ++seed) {
    base::Random random(static_cast<uint64_t>(seed));
    const std::vector<Point> benign = crowd(random, 0, 0);
    const std::vector<Point> points = crowd(random, members, shift);
    std::vector<uint32_t> core(members / 10);
    std::iota(core.begin(), core.end(), 0);
    for (const uint32_t m : recruit(points, benign, core)) ++(m < members ? out.members : out.strangers);
  }
  out.members /= worlds;
  out.strangers /= worlds;
  return out;
}

TEST(Recruit, TakesInMostMembersAndOneStrangerInAHundred) {
  const Recruited r = recruited(300, 5, 10);
  EXPECT_GE(r.members, 255);
  EXPECT_LE(r.strangers, 2);
  EXPECT_GE(r.strangers, 0.5);
}

TEST(Recruit, TakesFourStrangersFrom400MembersOn) {
  const Recruited r = recruited(800, 5, 10);
  EXPECT_GE(r.members, 720);
  EXPECT_LE(r.strangers, 5.5);
  EXPECT_GE(r.strangers, 2.5);
}

TEST(Recruit, HoldsStrangersOfLargeGroupsToFourInAThousand) {
  const Recruited r = recruited(5000, 5, 3);
  EXPECT_GE(r.members, 4500);
  EXPECT_LE(r.strangers, 30);
  EXPECT_GE(r.strangers, 10);
}

TEST(Recruit, FindsNobodyAroundHonestAccounts) {
  EXPECT_LE(recruited(100, 0, 10).members, 2);
}

TEST(Recruit, ToleratesMoreStrangersWhereHonestAccountsAreTooFewToTell) {
  base::Random random(1);
  const std::vector<Point> points = crowd(random, 300, 5);
  const std::vector<Point> few(points.end() - 300, points.end());
  std::vector<uint32_t> core(60);
  std::iota(core.begin(), core.end(), 0);
  const std::vector<uint32_t> group = recruit(points, few, core);
  const auto members = std::count_if(group.begin(), group.end(), [](uint32_t m) { return m < 300; });
  EXPECT_GE(members, 200);
  EXPECT_LE(static_cast<double>(group.size()), 1.1 * static_cast<double>(members));
}

}  // namespace
}  // namespace stillwatch::campaigns
