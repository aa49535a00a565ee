#include "report/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace stillwatch::report {
namespace {

TEST(Text, LetsThroughWhatPeopleCanRead) {
  EXPECT_EQ(printable("plain", 32), "plain");
  EXPECT_EQ(printable("größe", 5), "größe");
  EXPECT_EQ(printable("日本", 4), "日本");
  EXPECT_EQ(columns_of("日本"), 4u);
  EXPECT_EQ(columns_of("e\u0301"), 1u);
}

TEST(Text, ShowsAMarkForWhatMovesTheCursorOrHides) {
  EXPECT_EQ(printable("\033[31mred\n\x07", 32), "?[31mred??");
  EXPECT_EQ(printable("\u202eevil", 32), "?evil");
  EXPECT_EQ(printable("a\u200bb", 32), "a?b");
  EXPECT_EQ(printable("\u0085", 32), "?");
}

TEST(Text, ShowsAMarkForEveryByteThatIsNoCharacter) {
  EXPECT_EQ(printable("\xff\xfe"
                      "a",
                      32),
            "??a");
  EXPECT_EQ(printable("\xc0\xaf", 32), "??");            // overlong
  EXPECT_EQ(printable("\xed\xa0\x80", 32), "?");         // half of a surrogate pair
  EXPECT_EQ(printable("\xe6\x97", 32), "??");            // cut short
  EXPECT_EQ(printable("\xf5\x80\x80\x80", 32), "????");  // beyond Unicode
}

TEST(Text, CutsToColumnsAndSaysSo) {
  EXPECT_EQ(printable(std::string(50, 'x'), 10), "xxxxxxx...");
  EXPECT_EQ(printable("日本日本", 6), "日...");
}

TEST(Text, NeverGrowsBeyondItsColumnsForAnyBytes) {
  base::Random random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random.bits() % 40, 0);
    for (char& c : bytes) c = static_cast<char>(random.bits());
    const std::string shown = printable(bytes, 12);
    EXPECT_LE(columns_of(shown), 12u);
    EXPECT_EQ(printable(shown, 12), shown);
  }
}

TEST(Text, StatesWhatAPValueCanSay) {
  EXPECT_EQ(p_value_text({1, 1e-7, 0.001, true, true, {}}), "1e-07 (extrapolated)");
  EXPECT_EQ(p_value_text({1, 0.001, 0.001, false, true, {}}), "<= 0.001 (resolution)");
  EXPECT_EQ(p_value_text({1, 0.25, 0.001, false, true, {}}), "0.25");
  EXPECT_EQ(p_value_text({1, std::nan(""), 0.001, false, true, {}}), "1");
}

TEST(Text, WritesAmountsAsPeopleReadThem) {
  EXPECT_EQ(amount_text(812), "812");
  EXPECT_EQ(amount_text(9431), "9,431");
  EXPECT_EQ(amount_text(14'200), "14 k");
  EXPECT_EQ(amount_text(2.5e6), "2.5 M");
  EXPECT_EQ(amount_text(1e9), "1.0 G");
  EXPECT_EQ(amount_text(std::numeric_limits<double>::infinity()), "0");
  EXPECT_EQ(amount_text(-3), "0");
  EXPECT_EQ(count_text(94'311), "94,311");
  EXPECT_EQ(count_text(1'000'000), "1,000,000");
}

}  // namespace
}  // namespace stillwatch::report
