#include "base/encoding.h"

#include <gmock/gmock.h>

#include <array>

namespace stillwatch::base {
namespace {

TEST(Base64, ReadsBackWhatItWroteAndNothingElse) {
  const std::string bytes("\xff\xfe\0a", 4);
  EXPECT_EQ(to_base64(bytes), "//4AYQ==");
  EXPECT_EQ(to_base64(bytes, Base64::kUrl), "__4AYQ");
  EXPECT_EQ(from_base64("//4AYQ=="), bytes);
  EXPECT_EQ(from_base64("__4AYQ", Base64::kUrl), bytes);
  EXPECT_EQ(from_base64(""), "");
  for (const char* other : {"//4AYQ", "__4AYQ==", "//4A YQ==", "//4AYQ==\n", "!"})
    EXPECT_EQ(from_base64(other), std::nullopt) << other;
  for (const char* other : {"//4AYQ", "__4AYQ==", "__4AYR"})
    EXPECT_EQ(from_base64(other, Base64::kUrl), std::nullopt) << other;
}

TEST(Hex, IsTwoDigitsAByte) {
  EXPECT_EQ(to_hex(std::array<uint8_t, 3>{0, 0xab, 7}), "00ab07");
  EXPECT_EQ(to_hex({}), "");
}

}  // namespace
}  // namespace stillwatch::base
