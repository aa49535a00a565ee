#include "problems/answer.h"

#include <gtest/gtest.h>

namespace stillwatch::problems {
namespace {

TEST(Answer, TakesTheLastNumber) {
  EXPECT_EQ(last_number("288"), "288");
  EXPECT_EQ(last_number("Tom has 12, Ann 288 coins."), "288");
  EXPECT_EQ(last_number("#### 288"), "288");
  EXPECT_EQ(last_number("it is 288.\n"), "288");
  EXPECT_EQ(last_number("3*96=288"), "288");
  EXPECT_EQ(last_number("no number"), "");
  EXPECT_EQ(last_number(""), "");
}

TEST(Answer, PutsNumbersIntoPlainForm) {
  EXPECT_EQ(last_number("1,288"), "1288");
  EXPECT_EQ(last_number("12,345,678.50"), "12345678.5");
  EXPECT_EQ(last_number("288.0"), "288");
  EXPECT_EQ(last_number("0288"), "288");
  EXPECT_EQ(last_number("000"), "0");
  EXPECT_EQ(last_number("-5"), "-5");
  EXPECT_EQ(last_number("-0.0"), "0");
  EXPECT_EQ(last_number("7-5"), "5");
}

TEST(Answer, DoesNotJoinWhatIsNoSingleNumber) {
  EXPECT_EQ(last_number("3,4"), "4");
  EXPECT_EQ(last_number("10, 288"), "288");
  EXPECT_EQ(last_number("1234,567"), "567");
  EXPECT_EQ(last_number("1.2.3"), "2.3");
}

TEST(Answer, LooksAtTheEndOfALongOne) {
  EXPECT_EQ(last_number("5" + std::string(10'000, ' ')), "");
  EXPECT_EQ(last_number(std::string(10'000, '9') + " 5"), "5");
}

TEST(Answer, SaysWhatWasAskedForOrNot) {
  EXPECT_TRUE(says("The answer is 288 coins.", "288"));
  EXPECT_FALSE(says("The answer is 288 coins.", "28"));
  EXPECT_FALSE(says("", "288"));
  EXPECT_FALSE(says("none", ""));
}

}  // namespace
}  // namespace stillwatch::problems
