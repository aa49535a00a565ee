#include "model/safetensors.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace stillwatch::model {
namespace {

using testing::HasSubstr;

std::string written(const Weights& w, Precision p) {
  std::string out;
  write_safetensors(w, p, [&](std::string_view s) { out += s; });
  return out;
}

std::string file_of(std::string header, std::string data) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), 8) + std::move(header) + std::move(data);
}

std::string error_of(std::string_view bytes) {
  Weights w;
  const auto read = read_safetensors(bytes, "m.safetensors", w);
  return read ? "" : read.error().message;
}

TEST(Safetensors, ReadsWhatItWrites) {
  const Weights w{{"a", {{2, 3}, {1, -2, 0.5F, 4, 1e-8F, 3e8F}}}, {"b", {{1}, {7}}}, {"empty", {{0, 4}, {}}}};
  Weights read;
  ASSERT_TRUE(read_safetensors(written(w, Precision::kF32), "m", read));
  ASSERT_EQ(read.size(), 3U);
  EXPECT_EQ(read["a"].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(read["a"].values, w.at("a").values);
  Weights half;
  ASSERT_TRUE(read_safetensors(written(w, Precision::kBf16), "m", half));
  for (size_t i = 0; i < 6; ++i)
    EXPECT_NEAR(half["a"].values[i], w.at("a").values[i], std::abs(w.at("a").values[i]) / 256);
}

TEST(Safetensors, HalfFloatsAreRead) {
  EXPECT_EQ(from_f16(0x3c00), 1.0F);
  EXPECT_EQ(from_f16(0xc500), -5.0F);
  EXPECT_EQ(from_f16(0x0001), 0x1p-24F);
  EXPECT_EQ(from_f16(0x7bff), 65504.0F);
  EXPECT_TRUE(std::isinf(from_f16(0x7c00)));
  EXPECT_TRUE(std::isnan(from_f16(0x7e00)));
  EXPECT_EQ(from_bf16(to_bf16(1.0F)), 1.0F);
  EXPECT_EQ(to_bf16(std::bit_cast<float>(0x3f808000U)), 0x3f80);  // a tie goes to the even one
  EXPECT_EQ(to_bf16(std::bit_cast<float>(0x3f818000U)), 0x3f82);
  Weights w;
  ASSERT_TRUE(read_safetensors(
      file_of(R"({"x":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", std::string("\x00\x3c\x00\xc5", 4)), "m",
      w));
  EXPECT_EQ(w["x"].values, (std::vector<float>{1, -5}));
}

TEST(Safetensors, RefusesDamageByName) {
  const std::string whole = written({{"layer.weight", {{4}, {1, 2, 3, 4}}}}, Precision::kF32);
  EXPECT_THAT(error_of(whole.substr(0, whole.size() - 3)), HasSubstr("tensor layer.weight: lies beyond the end"));
  EXPECT_THAT(error_of(whole.substr(0, 20)), HasSubstr("cut off within its header"));
  EXPECT_THAT(error_of("abc"), HasSubstr("too short"));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    EXPECT_THAT(error_of(written({{"layer.weight", {{2}, {1, bad}}}}, Precision::kF32)),
                HasSubstr("tensor layer.weight holds a NaN"));
  }
  EXPECT_THAT(error_of(file_of(R"({"x":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", std::string(8, 0))),
              HasSubstr("`dtype`"));
  EXPECT_THAT(error_of(file_of(R"({"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", std::string(8, 0))),
              HasSubstr("another number of bytes"));
  EXPECT_THAT(
      error_of(file_of(R"({"x":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,8]}})", "")),
      HasSubstr("`shape` is too large"));
  EXPECT_THAT(
      error_of(file_of(
          R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
          std::string(12, 0))),
      HasSubstr("x and y overlap"));
  EXPECT_THAT(error_of(file_of("[1,2", "")), HasSubstr("no JSON object"));
  EXPECT_THAT(error_of(std::string(8, '\xff') + "{}"), HasSubstr("above 32 MiB"));
}

TEST(Safetensors, RefusesATensorInTwoFiles) {
  const std::string file = written({{"a", {{1}, {1}}}}, Precision::kF32);
  Weights w;
  ASSERT_TRUE(read_safetensors(file, "1", w));
  EXPECT_FALSE(read_safetensors(file, "2", w));
}

}  // namespace
}  // namespace stillwatch::model
