#include "watermark/detect.h"

#include <gmock/gmock.h>

#include <cmath>

#include "watermark/test_text.h"

namespace stillwatch::watermark {
namespace {

constexpr Mark kMarks[] = {
    {Scheme::kGreen, 2, 0.5}, {Scheme::kGreen, 1, 0.25}, {Scheme::kGumbel, 2}, {Scheme::kTournament, 3}};

TEST(Detect, WrongKeysRejectAtMostAsOftenAsTheySay) {
  const TestLanguage language(1, 0.02, 100);
  base::Random random(2);
  constexpr int kKeys = 3000;
  constexpr double kLevels[] = {0.1, 0.01, 0.001};
  for (const Mark& mark : kMarks) {
    Windows windows(mark.context);
    for (int i = 0; i < 60; ++i) windows.add(language.units(50, random, i % 2));
    ASSERT_GT(windows.counts().repeated, 500u);  // else there would be nothing to hold
    int below[3] = {};
    for (int i = 0; i < kKeys; ++i) {
      const double p = detect(control_key(i), mark, windows).p();
      for (int l = 0; l < 3; ++l) below[l] += p <= kLevels[l];
    }
    for (int l = 0; l < 3; ++l)
      EXPECT_LE(below[l], kLevels[l] * kKeys + 4 * std::sqrt(kLevels[l] * kKeys)) << name_of(mark.scheme);
    EXPECT_GE(below[0], 0.07 * kKeys);  // not merely cautious
  }
}

TEST(Detect, CountingRepeatedWindowsWouldConvictTooOften) {
  // What the collection guards against: the same windows, each text counted by itself.
  const TestLanguage language(1, 0.02, 100);
  base::Random random(3);
  std::vector<Windows> texts(200, Windows(1));
  for (Windows& text : texts) text.add(language.units(20, random, 1));
  const Mark mark{Scheme::kGreen, 1, 0.5};
  int below = 0;
  constexpr int kKeys = 1000;
  for (int i = 0; i < kKeys; ++i) {
    uint64_t n = 0;
    double score = 0;
    for (const Windows& text : texts) {
      const Detection one = detect(control_key(i), mark, text);
      n += one.windows;
      score += one.score;
    }
    below += detection_of(mark, n, score).p() <= 0.001;
  }
  EXPECT_GT(below, 0.03 * kKeys);
}

TEST(Detect, SaysNothingOfNothing) {
  const Detection d = detect(control_key(1), Mark{}, Windows(2));
  EXPECT_EQ(d.windows, 0u);
  EXPECT_EQ(d.p(), 1);
  EXPECT_EQ(d.z, 0);
}

TEST(Detect, SumsWhatTheSchemesScore) {
  Windows windows(1);
  windows.add(std::vector<Unit>{1, 2, 3, 4, 5});
  const Key key = control_key(9);
  double green = 0;
  double exponentials = 0;
  double ones = 0;
  for (Unit i = 1; i < 5; ++i) {
    const uint64_t bits = key.prf(std::vector<Unit>{i, i + 1});
    green += bits < uint64_t{1} << 62;
    exponentials -= std::log(1 - static_cast<double>(bits) * 0x1p-64);
    for (int layer = 0; layer < 7; ++layer) ones += layer_of(bits, layer);
  }
  EXPECT_EQ(detect(key, {Scheme::kGreen, 1, 0.25}, windows).score, green);
  EXPECT_NEAR(detect(key, {Scheme::kGumbel, 1}, windows).score, exponentials, 1e-9);
  EXPECT_EQ(detect(key, {Scheme::kTournament, 1, 0.5, 0, 7}, windows).score, ones);
}

TEST(Windows, CountEachOnceAndNoneOfThePrompt) {
  Windows windows(2);
  windows.add_text("one two three four", "Say: two, three, four!");
  EXPECT_EQ(windows.size(), 1u);
  EXPECT_EQ(windows.counts().prompted, 1u);
  windows.add_text("ONE two three");
  EXPECT_EQ(windows.size(), 1u);
  EXPECT_EQ(windows.counts().repeated, 1u);
  windows.add_text("two three four");  // without that prompt it counts
  EXPECT_EQ(windows.size(), 2u);
  windows.add_text("too short");
  EXPECT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows.counts().texts, 4u);
  EXPECT_THAT(windows[0], testing::ElementsAreArray(words_of("one two three")));
}

}  // namespace
}  // namespace stillwatch::watermark
