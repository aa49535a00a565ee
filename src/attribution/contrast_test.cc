#include "attribution/contrast.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace stillwatch::attribution {
namespace {

namespace wm = watermark;
using Of = Contrast::Of;

constexpr wm::Unit kWords = 40;

// A text in which every word may follow every other; those that `key` makes green come oftener by `excess`.
std::vector<wm::Unit> text(base::Random& random, size_t length, const wm::Key& key, const wm::Mark& mark,
                           double excess) {
  std::vector<wm::Unit> out{0};
  while (out.size() < length) {
    const wm::Unit window[] = {out.back(), std::min(random.below(kWords), random.below(kWords))};
    if (random.uniform() * (1 + excess) < 1 + (wm::is_green(mark, key.prf(window)) ? excess : 0))
      out.push_back(window[1]);
  }
  return out;
}

Contrast contrast_of(double excess, uint64_t seed, const wm::Key& key, const wm::Mark& mark) {
  base::Random random(seed);
  Contrast contrast(mark.context);
  contrast.add(Of::kReference, text(random, 60'000, key, mark, 0));
  contrast.add(Of::kSuspect, text(random, 60'000, key, mark, excess));
  return contrast;
}

TEST(Contrast, FindsWhatIsSaidALittleOftenerThoughNothingIsSaidThatTheReferenceLacks) {
  const wm::Mark mark{.context = 1};
  const wm::Key key = wm::control_key(1000);
  const TestResult marked = contrast_of(0.1, 1, key, mark).test(key, mark, 20);
  EXPECT_LT(marked.log10_p, -5);
  EXPECT_EQ(marked.wrong_keys->below_001, 0u);
  EXPECT_GT(contrast_of(0, 1, key, mark).test(key, mark, 0).log10_p, -2);
}

TEST(Contrast, HoldsItsLevelUnderEveryScheme) {
  for (const wm::Scheme scheme : {wm::Scheme::kGreen, wm::Scheme::kGumbel, wm::Scheme::kTournament}) {
    const wm::Mark mark{.scheme = scheme, .context = 1};
    const Contrast contrast = contrast_of(0.3, 2, wm::control_key(1000), {.context = 1});
    const TestResult t = contrast.test(wm::control_key(2000), mark, 400);
    // Chernoff's bound is not tight: far fewer than 20, 4 and 0.4 are expected.
    EXPECT_LE(t.wrong_keys->below_05, 20u) << wm::name_of(scheme);
    EXPECT_LE(t.wrong_keys->below_01, 4u) << wm::name_of(scheme);
    EXPECT_GE(t.wrong_keys->as_small, 1u) << wm::name_of(scheme);
    EXPECT_LE(t.log10_p, 0);
  }
}

TEST(Contrast, SaysNothingOfTextsThatAreTheReference) {
  base::Random random(3);
  const wm::Mark mark{.context = 1};
  const wm::Key key = wm::control_key(1);
  const auto same = text(random, 1000, key, mark, 1);
  Contrast contrast(1);
  contrast.add(Of::kReference, same);
  contrast.add(Of::kSuspect, same);
  EXPECT_EQ(contrast.test(key, mark, 0).log10_p, 0);
  EXPECT_NE(contrast.test(key, mark, 0).note, "");
  EXPECT_EQ(Contrast(1).test(key, mark, 0).log10_p, 0);
}

TEST(Contrast, LeavesOutWindowsOfThePrompt) {
  const wm::Mark mark{.context = 1};
  Contrast contrast(1);
  const std::vector<wm::Unit> said{1, 2, 3, 4}, prompt{2, 3};
  contrast.add(Of::kSuspect, said, prompt);
  EXPECT_EQ(contrast.test(wm::control_key(1), mark, 0).figures.front().value, 2);  // windows
}

}  // namespace
}  // namespace stillwatch::attribution
