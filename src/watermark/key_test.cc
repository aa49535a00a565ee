#include "watermark/key.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace stillwatch::watermark {
namespace {

constexpr const char* kMaster = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

TEST(Key, IsTheSameForTheSameLabelForever) {
  const auto master = MasterKey::parse(kMaster);
  ASSERT_TRUE(master);
  const Key key = master->derive("campaign:1");
  // Held against a second implementation (Python's hashlib.blake2b and a SipHash written from the paper).
  EXPECT_EQ(id_text(key.id()), "474fa6e011a91643");
  const Unit window[] = {1, 2, 3};
  EXPECT_EQ(key.prf(window), 0x650e1aab95e9b420ULL);
  EXPECT_EQ(master->derive("campaign:1").prf(window), key.prf(window));
  EXPECT_NE(master->derive("campaign:2").id(), key.id());
  EXPECT_NE(master->derive("campaign:2").prf(window), key.prf(window));
}

TEST(Key, ReadsNothingButSixtyFourDigits) {
  EXPECT_TRUE(MasterKey::parse(std::string(kMaster) + "\n"));
  for (const char* bad : {"", "00", "xyz", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00",
                          "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1g"}) {
    const auto read = MasterKey::parse(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().message.find("0001"), std::string::npos);  // a secret is not repeated
  }
}

TEST(Key, BitsOfDifferentWindowsLookIndependent) {
  const Key key = control_key(1);
  int ones = 0;
  int flips = 0;
  constexpr int kWindows = 20'000;
  uint64_t before = 0;
  for (Unit i = 0; i < kWindows; ++i) {
    const Unit window[] = {i / 100, i % 100};
    const uint64_t bits = key.prf(window);
    ones += std::popcount(bits);
    flips += std::popcount(bits ^ before);
    before = bits;
  }
  const double deviation = 5 * std::sqrt(64.0 * kWindows / 4);
  EXPECT_NEAR(ones, 32.0 * kWindows, deviation);
  EXPECT_NEAR(flips, 32.0 * kWindows, deviation);
}

}  // namespace
}  // namespace stillwatch::watermark
