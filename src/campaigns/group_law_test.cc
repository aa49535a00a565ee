#include "campaigns/group_law.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace stillwatch::campaigns {
namespace {

constexpr size_t kSizes[] = {8, 16, 32, 64};

// Groups of two kinds, which lean different ways and score differently; the larger a group, the more by its kind. What
// makes a group score more than its kind does lasts from size to size, about, and has a heavy tail.
class Nature {
 public:
  explicit Nature(uint64_t seed) : random_(seed) {}

  GroupSample group() {
    const bool tools = random_.chance(0.2);
    Point lean{tools ? 1.0F : 0.0F, tools ? 0.0F : 1.0F, 0.0F};
    for (float& x : lean) x += static_cast<float>(0.4 * random_.normal());
    GroupSample g{direction_of(std::move(lean)), {}};
    const double lasting = -std::log(1 - random_.uniform());
    for (size_t s = 0; s < std::size(kSizes); ++s) {
      const auto size = static_cast<double>(s);
      g.scores.push_back((tools ? 4 * size : -2 * size) + (1 + size) * (lasting + random_.normal()));
    }
    return g;
  }
  std::vector<GroupSample> groups(size_t count) {
    std::vector<GroupSample> out;
    for (size_t i = 0; i < count; ++i) out.push_back(group());
    return out;
  }

 private:
  base::Random random_;
};

GroupLaw law_of(Nature& nature) {
  base::Team alone(1);
  return {kSizes, nature.groups(400), nature.groups(400), alone};
}

TEST(GroupLaw, PValuesOfHonestGroupsAreUniformHoweverManySizesTheyHave) {
  constexpr int kLaws = 20, kGroups = 200;
  for (size_t sizes = 1; sizes <= std::size(kSizes); ++sizes) {
    Nature nature(sizes);
    std::vector<double> p_values;
    for (int i = 0; i < kLaws; ++i) {
      const GroupLaw law = law_of(nature);
      for (int k = 0; k < kGroups; ++k) {
        GroupSample g = nature.group();
        g.scores.resize(sizes);
        p_values.push_back(law.p(g).value);
      }
    }
    for (const double most : {0.01, 0.05, 0.2, 0.5, 0.8}) {
      const auto found = std::count_if(p_values.begin(), p_values.end(), [&](double p) { return p <= most; });
      const double share = static_cast<double>(found) / static_cast<double>(p_values.size());
      // Groups that are judged by one law share its luck: kLaws * 400 / 2 independent ones, about.
      EXPECT_NEAR(share, most, 4 * std::sqrt(most * (1 - most) / (kLaws * kGroups) * 1.5)) << sizes << " sizes";
    }
  }
}

TEST(GroupLaw, AGroupIsHeldAgainstThoseThatLeanAlike) {
  Nature nature(9);
  const GroupLaw law = law_of(nature);
  const std::vector<double> scores{2, 8, 14, 20};
  EXPECT_GT(law.p({{1, 0, 0}, scores}).value, 0.1);
  EXPECT_LT(law.p({{0, 1, 0}, scores}).value, 0.03);
}

TEST(GroupLaw, ExcessAtEverySizeSaysMoreThanAtOne) {
  Nature nature(10);
  const GroupLaw law = law_of(nature);
  const double at_one = law.p({{0, 1, 0}, {4}}).value;
  EXPECT_LT(law.p({{0, 1, 0}, {4, 8, 12, 16}}).value, at_one / 2);
}

TEST(GroupLaw, ComparesUpToTheSizeOfTheGroup) {
  Nature nature(11);
  const GroupLaw law = law_of(nature);
  EXPECT_TRUE(law.comparable(7).empty());
  EXPECT_EQ(law.comparable(40), (std::vector<size_t>{8, 16, 32}));
  EXPECT_EQ(law.comparable(1000).size(), 4u);
}

}  // namespace
}  // namespace stillwatch::campaigns
