#include "attribution/radioactivity.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>

#include "attribution/planner.h"
#include "watermark/detect.h"
#include "watermark/select.h"
#include "watermark/test_text.h"

namespace stillwatch::attribution {
namespace {

namespace wm = watermark;
using wm::Unit;

constexpr wm::Mark kMark{wm::Scheme::kGreen, 2, 0.5};

// Learns which word follows which two, and writes like that.
class Student {
 public:
  void learn(const std::vector<Unit>& text) {
    for (size_t i = 0; i + 2 < text.size(); ++i) after_[{text[i], text[i + 1]}].push_back(text[i + 2]);
    if (text.size() > 1) begins_.push_back({text[0], text[1]});
  }
  std::vector<Unit> write(size_t length, base::Random& random) const {
    const auto begin = begins_[random.below(begins_.size())];
    std::vector<Unit> text = {begin.first, begin.second};
    while (text.size() < length) {
      const auto it = after_.find({text[text.size() - 2], text.back()});
      if (it == after_.end()) break;
      text.push_back(it->second[random.below(it->second.size())]);
    }
    return text;
  }

 private:
  std::map<std::pair<Unit, Unit>, std::vector<Unit>> after_;
  std::vector<std::pair<Unit, Unit>> begins_;
};

std::string text_of(const std::vector<Unit>& units) {
  std::string text;
  for (const Unit u : units) text += "w" + std::to_string(u) + " ";
  return text;
}

// A teacher whose answers are marked, a student of these, one of unmarked answers to the same, and the evidence.
struct World {
  explicit World(uint64_t seed, size_t answers = 60, double share = 1) : key(wm::control_key(1'000'000 + seed)) {
    const wm::TestLanguage language(7, 0.15, 400);
    base::Random random(seed);
    const wm::DraftSelector selector(key, kMark);
    wm::GivenWindows given;
    std::string lines = wm::mark_line(base::from_ms(0), "campaign:1", key, kMark, wm::Units::kWords);
    Student guilty, innocent;
    for (size_t i = 0; i < answers; ++i) {
      std::vector<std::vector<Unit>> units;
      std::vector<std::string> drafts;
      for (int d = 0; d < 4; ++d) {
        units.push_back(language.units(60, random, i % 10));
        drafts.push_back(text_of(units.back()));
      }
      const std::vector<std::string_view> views(drafts.begin(), drafts.end());
      const wm::Selection s = selector.select(views, given);
      lines += wm::answer_line(base::from_ms(0), "a", key, s.sketch);
      guilty.learn(random.chance(share) ? units[s.chosen] : language.units(60, random, i % 10));
      innocent.learn(language.units(60, random, i % 10));
    }
    EXPECT_TRUE(evidence.read(lines, "evidence"));
    for (int i = 0; i < 60; ++i) {
      suspect.emplace_back().answer = text_of(guilty.write(60, random));
      clean.emplace_back().answer = text_of(innocent.write(60, random));
    }
  }
  const wm::MarkEvidence& mark() const { return evidence.marks.front(); }

  wm::Key key;
  wm::Evidence evidence;
  std::vector<Sample> suspect, clean;
};

TEST(Radioactivity, FindsAStudentOfMarkedAnswersAndNoOther) {
  const World w(1);
  const Model clean[] = {{"clean", w.clean}};
  const auto results = radioactivity(w.key, w.mark(), w.suspect, clean, 200);
  ASSERT_EQ(results.size(), 2u);
  for (const TestResult& t : results) {
    EXPECT_LT(t.log10_p, -4) << t.test;
    EXPECT_GT(t.clean[0].log10_p, -3) << t.test;
    ASSERT_TRUE(t.wrong_keys);
    EXPECT_EQ(t.wrong_keys->as_small, 0u);
    EXPECT_LE(t.wrong_keys->below_05, 30u);
    EXPECT_EQ(t.subject, "campaign:1");
  }
  EXPECT_LE(results[1].figures[0].value, results[0].figures[0].value);  // the filter adds no windows
}

TEST(Radioactivity, CleanStudentsGetSmallPValuesNoMoreOftenThanTheySay) {
  constexpr int kWorlds = 200;
  int below[2][2] = {};
  for (int i = 0; i < kWorlds; ++i) {
    const World w(100 + i, 25);
    const auto results = radioactivity(w.key, w.mark(), w.clean, {}, 0);
    for (int f = 0; f < 2; ++f) {
      below[f][0] += results[f].p() <= 0.1;
      below[f][1] += results[f].p() <= 0.01;
    }
  }
  for (const auto& counts : below) {
    EXPECT_LE(counts[0], 0.1 * kWorlds + 4 * std::sqrt(0.1 * kWorlds));
    EXPECT_LE(counts[1], 0.01 * kWorlds + 4 * std::sqrt(0.01 * kWorlds));
    EXPECT_GE(counts[0], 0.03 * kWorlds);
  }
}

TEST(Radioactivity, SaysSoWhenNothingIsLeftToCount) {
  const World w(1, 5);
  const auto results = radioactivity(w.key, w.mark(), {}, {}, 10);
  EXPECT_EQ(results[0].p(), 1);
  EXPECT_THAT(results[0].note, testing::HasSubstr("nothing can be said"));
}

TEST(Radioactivity, OfTokensCountsTokens) {
  const wm::Key key = wm::control_key(5);
  wm::Evidence evidence;
  ASSERT_TRUE(evidence.read(wm::mark_line(base::from_ms(0), "e", key, kMark, wm::Units::kTokens), "evidence"));
  Sample s;
  s.answer = "words that do not count here at all";
  s.tokens = {1, 2, 3, 4};
  s.prompt_tokens = {2, 3, 4};
  const auto results = radioactivity(key, evidence.marks[0], std::vector{s}, {}, 0);
  ASSERT_EQ(results.size(), 1u);  // no filter without answers
  EXPECT_EQ(results[0].figures[0].value, 1);
}

TEST(Planner, AgreesWithWhatIsMeasured) {
  // The textbook's: 2.326 + 1.282 = 3.608 standard deviations; at a shift of 0.1 a window, 1,302 windows.
  EXPECT_EQ(windows_needed(0.1, 0.01, 0.9), 1302);
  EXPECT_NEAR(shift_shown(1302, 0.01, 0.9), 0.1, 1e-4);
  // A bound on the tail asks for more than the tail.
  EXPECT_EQ(windows_needed(0.1, 0.01, 0.9, Tail::kChernoff), 1864);
  EXPECT_NEAR(shift_shown(1864, 0.01, 0.9, Tail::kChernoff), 0.1, 1e-4);
  EXPECT_EQ(answers_needed(8, 0.01, 0.9), 5);  // as measured on real answers (docs/watermark.md)
  EXPECT_EQ(answers_needed(4, 0.01, 0.9), 10);
  // 4 of 40 issued and none of 40 others: C(40, 4) / C(80, 4) = 0.058.
  EXPECT_EQ(canaries_needed(40, 40, 0.058), 4u);
  EXPECT_EQ(canaries_needed(40, 40, 0.057), 5u);
  EXPECT_EQ(canaries_needed(1, 1, 1e-9), 0u);
}

}  // namespace
}  // namespace stillwatch::attribution
