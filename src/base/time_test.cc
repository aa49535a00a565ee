#include "base/time.h"

#include <gtest/gtest.h>

namespace stillwatch::base {
namespace {

TEST(Time, ReadsRfc3339WithZonesAndFractions) {
  EXPECT_EQ(to_ms(*parse_rfc3339("1970-01-01T00:00:00Z")), 0);
  EXPECT_EQ(to_ms(*parse_rfc3339("2026-03-01T12:00:00.5Z")), 1772366400500);
  EXPECT_EQ(*parse_rfc3339("2026-03-01T14:00:00.123456789+02:00"), *parse_rfc3339("2026-03-01 12:00:00.123"));
  EXPECT_EQ(*parse_rfc3339("2026-03-01T07:00:00-0500"), *parse_rfc3339("2026-03-01t12:00:00z"));
  EXPECT_EQ(format_rfc3339(*parse_rfc3339("2016-12-31T23:59:60Z")), "2016-12-31T23:59:59.999Z");
}

TEST(Time, RefusesWhatIsNotATime) {
  for (const char* text :
       {"", "2026", "2026-02-30T00:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T12:00:00.Z", "2026-03-01T12:00:00Zx",
        "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "2026-03-01T12:00:00+25:00", "1970-01-01T00:00:00+01:00"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Time, TellsSecondsFromMilliMicroAndNanoseconds) {
  const Time noon = *parse_rfc3339("2026-03-01T12:00:00Z");
  for (const double value : {1772366400.0, 1772366400e3, 1772366400e6, 1772366400e9}) {
    EXPECT_EQ(from_unix_number(value), noon) << value;
  }
  EXPECT_FALSE(from_unix_number(-1));
  EXPECT_FALSE(from_unix_number(12));
  EXPECT_FALSE(from_unix_number(1e30));
}

TEST(Time, FormatsWhatItParses) {
  for (const char* text : {"1970-01-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z", "2261-12-31T00:00:00.001Z"}) {
    EXPECT_EQ(format_rfc3339(*parse_rfc3339(text)), text);
  }
}

}  // namespace
}  // namespace stillwatch::base
