#include "attribution/open_model.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "watermark/embed.h"

namespace stillwatch::attribution {
namespace {

namespace wm = watermark;

constexpr wm::Unit kWords = 40;

wm::MarkEvidence evidence_of(wm::Scheme scheme = wm::Scheme::kGreen) {
  wm::MarkEvidence evidence;
  evidence.mark = {.scheme = scheme, .context = 1};
  return evidence;
}

// What a model expects after each word: by chances of its own, more where `key` makes the window green.
std::vector<Place> expected(uint64_t seed, double spread, const wm::Key* key, double excess) {
  base::Random random(seed);
  std::vector<Place> places;
  for (wm::Unit before = 0; before < kWords; ++before) {
    Place& place = places.emplace_back(Place{{7, before}, {}});
    double all = 0;
    for (wm::Unit next = 0; next < kWords; ++next) {
      const wm::Unit window[] = {before, next};
      const double more = key != nullptr && wm::is_green({.context = 1}, key->prf(window)) ? 1 + excess : 1;
      all += place.next.emplace_back(next, more * (1 + spread * random.uniform())).second;
    }
    for (auto& [unit, probability] : place.next) probability /= all;
    std::sort(place.next.begin(), place.next.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  }
  places.push_back({{}, {{1, 1.0}}});  // no context, no window
  return places;
}

TEST(OpenModel, IsFoundByWhatItExpectsALittleMore) {
  const wm::Key key = wm::control_key(1000);
  const auto marked = expected(1, 0.5, &key, 0.1), reference = expected(1, 0.5, nullptr, 0);
  const ReadBy clean{"clean", expected(2, 0.5, nullptr, 0)};
  const auto found = reading_contrast(key, evidence_of(), marked, reference, {&clean, 1}, 20);
  ASSERT_EQ(found.size(), 1u);  // no evidence, no filter
  EXPECT_EQ(found.front().test, "reading-contrast");
  EXPECT_EQ(found.front().figures.front().value, kWords * kWords);
  EXPECT_LT(found.front().log10_p, -5);
  EXPECT_LE(found.front().wrong_keys->below_01, 1u);
  ASSERT_EQ(found.front().clean.size(), 1u);
  EXPECT_GT(found.front().clean.front().log10_p, -2);
  EXPECT_EQ(reading_contrast(key, evidence_of(), reference, reference, {}, 0).front().log10_p, 0);
}

TEST(OpenModel, IsFoundByItsLikeliestWords) {
  const wm::Key key = wm::control_key(1000);
  std::vector<Place> places;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    for (Place& place : expected(seed, 0.5, &key, 1)) places.push_back(std::move(place));
  }
  const auto found = reading(key, evidence_of(), places, {}, 20);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.front().test, "reading");
  EXPECT_LT(found.front().log10_p, -5);
  for (Place& place : places) place.said = false;  // all could be copied
  EXPECT_EQ(reading(key, evidence_of(), places, {}, 0).front().log10_p, 0);
}

TEST(OpenModel, WindowsThatMarkedAnswersCannotHaveTaughtAreFilteredOut) {
  wm::MarkEvidence evidence = evidence_of();
  evidence.filter.add(wm::ContextSketch(1, std::vector<wm::Unit>{3, 4, 5}));  // contexts 3, 4
  const wm::Key key = wm::control_key(1000);
  const auto places = expected(1, 0.5, nullptr, 0);
  const auto filtered = reading(key, evidence, places, {}, 0);
  ASSERT_EQ(filtered.size(), 2u);
  EXPECT_EQ(filtered[1].test, "reading-filtered");
  EXPECT_EQ(filtered[1].figures.front().value, 2);
  const auto contrasted = reading_contrast(key, evidence, places, expected(2, 0.5, nullptr, 0), {}, 0);
  ASSERT_EQ(contrasted.size(), 2u);
  EXPECT_EQ(contrasted[1].test, "reading-contrast-filtered");
  EXPECT_EQ(contrasted[1].figures.front().value, 2 * kWords);
}

// Two models that differ in all they expect, and neither by the key: P(p <= a) <= a under every scheme.
TEST(OpenModel, ModelsThatDifferHoldTheLevel) {
  constexpr uint64_t kKeys = 400;
  for (const wm::Scheme scheme : {wm::Scheme::kGreen, wm::Scheme::kGumbel, wm::Scheme::kTournament}) {
    const wm::MarkEvidence evidence = evidence_of(scheme);
    const auto suspect = expected(5, 4, nullptr, 0), reference = expected(6, 0.5, nullptr, 0);
    for (const TestResult& t :
         {reading_contrast(wm::control_key(kKeys), evidence, suspect, reference, {}, kKeys).front(),
          reading(wm::control_key(kKeys), evidence, suspect, {}, kKeys).front()}) {
      // Three deviations; Chernoff's bound lies far below.
      EXPECT_LE(t.wrong_keys->below_05, 33u) << t.test << wm::name_of(scheme);
      EXPECT_LE(t.wrong_keys->below_01, 10u) << t.test << wm::name_of(scheme);
      EXPECT_LE(t.wrong_keys->below_001, 2u) << t.test << wm::name_of(scheme);
      EXPECT_GE(t.wrong_keys->below_05, t.test == "reading" ? 1u : 0u) << wm::name_of(scheme);
    }
  }
}

}  // namespace
}  // namespace stillwatch::attribution
