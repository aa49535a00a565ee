#include "base/recent.h"

#include <gtest/gtest.h>

namespace stillwatch::base {
namespace {

TEST(Recent, KeepsTheLatestAndThoseAskedFor) {
  Recent<int> recent(100);
  for (int i = 0; i < 1000; ++i) {
    recent.put(static_cast<uint64_t>(i), i);
    ASSERT_NE(recent.find(0), nullptr) << i;
    EXPECT_LE(recent.size(), 100u);
  }
  EXPECT_EQ(*recent.find(0), 0);
  for (int i = 951; i < 1000; ++i) EXPECT_EQ(*recent.find(static_cast<uint64_t>(i)), i);
  EXPECT_EQ(recent.find(500), nullptr);
}

}  // namespace
}  // namespace stillwatch::base
