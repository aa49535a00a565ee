#include "watermark/select.h"

#include <gmock/gmock.h>

#include <cmath>

#include "watermark/detect.h"
#include "watermark/test_text.h"

namespace stillwatch::watermark {
namespace {

using testing::ElementsAre;

constexpr Mark kMark{Scheme::kGreen, 2, 0.5};

Selection select(const DraftSelector& selector, const std::vector<std::string>& drafts, GivenWindows& given) {
  const std::vector<std::string_view> views(drafts.begin(), drafts.end());
  return selector.select(views, given);
}

std::vector<std::string> drafts_of(const TestLanguage& language, size_t n, size_t words, uint64_t topic,
                                   base::Random& random) {
  std::vector<std::string> drafts;
  for (size_t i = 0; i < n; ++i) drafts.push_back(language.text(words, random, topic));
  return drafts;
}

// A teacher's marked answers, what was remembered of them, and what a model that never saw them says to the same.
struct World {
  World(uint64_t seed, size_t answers, size_t n) : key(control_key(seed)), selector(key, kMark) {
    const TestLanguage language(7);
    base::Random random(seed);
    GivenWindows given;
    for (size_t i = 0; i < answers; ++i) {
      const auto drafts = drafts_of(language, n, 50, i, random);
      const Selection s = select(selector, drafts, given);
      marked.add_text(drafts[s.chosen]);
      filter.add(s.sketch);
      selected.push_back(drafts[s.chosen]);
      innocent.push_back(language.text(50, random, i));
    }
  }
  Key key;
  DraftSelector selector;
  Windows marked{2};
  Filter filter;
  std::vector<std::string> selected;
  std::vector<std::string> innocent;
};

TEST(Select, PooledAnswersTellTheKeyAsTheorySays) {
  const World world(5, 300, 4);
  const Detection d = detect(world.key, kMark, world.marked);
  // 1.03 standard deviations an answer, less what answers have in common.
  EXPECT_GT(d.z, 0.7 * 1.03 * std::sqrt(300));
  EXPECT_LT(d.z, 1.2 * 1.03 * std::sqrt(300));
  EXPECT_GT(detect(control_key(6), kMark, world.marked).p(), 1e-4);
}

TEST(Select, NeverPrefersLength) {
  const TestLanguage language(7);
  base::Random random(11);
  const DraftSelector selector(control_key(1), kMark);
  int longer = 0;
  constexpr int kRuns = 2000;
  for (int i = 0; i < kRuns; ++i) {
    GivenWindows given;
    const std::vector<std::string> drafts = {language.text(40, random, i), language.text(120, random, i)};
    longer += select(selector, drafts, given).chosen == 1;
  }
  EXPECT_NEAR(longer / static_cast<double>(kRuns), 0.5, 0.05);
}

TEST(Select, IdenticalDraftsCarryNothing) {
  const DraftSelector selector(control_key(1), kMark);
  GivenWindows given;
  const Selection s = select(selector, {"It rained all day.", "it rained all day"}, given);
  EXPECT_EQ(s.sketch.distinct_drafts(), 1u);
  EXPECT_EQ(s.chosen, 0u);
  EXPECT_EQ(s.scores[0], s.scores[1]);
  Filter filter;
  filter.add(s.sketch);
  EXPECT_EQ(filter.size(), 0u);
}

TEST(Select, ScoresOnlyWhatIsNewToTheAccount) {
  const DraftSelector selector(control_key(1), kMark);
  GivenWindows given;
  const std::vector<std::string> drafts = {"it rained all day long", "the sun shone on the hill"};
  const Selection first = select(selector, drafts, given);
  EXPECT_EQ(given.size(), first.chosen == 0 ? 3u : 4u);
  const Selection second = select(selector, drafts, given);
  EXPECT_EQ(second.scores[first.chosen], 0);
  EXPECT_EQ(second.scores[1 - first.chosen], first.scores[1 - first.chosen]);
}

TEST(GivenWindows, ForgetTheOldest) {
  GivenWindows given;
  for (uint32_t i = 0; i < 3 * GivenWindows::kMax; ++i) {
    given.insert(i * 2'654'435'761u);
    ASSERT_LE(given.size(), GivenWindows::kMax);
  }
  EXPECT_FALSE(given.contains(0));
  for (uint32_t i = 3 * GivenWindows::kMax - GivenWindows::kMax / 2; i < 3 * GivenWindows::kMax; ++i)
    ASSERT_TRUE(given.contains(i * 2'654'435'761u));
}

// Over worlds with keys of their own: how often an innocent that says much the same gets p <= 0.01.
TEST(Filter, OfAllDraftsSparesInnocents) {
  constexpr int kWorlds = 400;
  int below = 0;
  int below_ten = 0;
  for (int i = 0; i < kWorlds; ++i) {
    const World world(1000 + i, 40, 4);
    Windows windows(2, &world.filter);
    for (const std::string& text : world.innocent) windows.add_text(text);
    ASSERT_GT(windows.size(), 20u);
    const double p = detect(world.key, kMark, windows).p();
    below += p <= 0.01;
    below_ten += p <= 0.1;
  }
  EXPECT_LE(below, 0.01 * kWorlds + 4 * std::sqrt(0.01 * kWorlds));
  EXPECT_LE(below_ten, 0.1 * kWorlds + 4 * std::sqrt(0.1 * kWorlds));
  EXPECT_GE(below_ten, 0.04 * kWorlds);
}

TEST(Filter, OfSelectedAnswersWouldConvictInnocents) {
  // Why there is no such filter: windows picked by what was selected are green more often than not.
  const World world(77, 300, 4);
  Windows taught(2);
  for (const std::string& text : world.selected) taught.add_text(text);
  FlatSet<uint64_t> seen;
  for (size_t i = 0; i < taught.size(); ++i) seen.insert(hash_of(taught[i]));
  Windows innocent(2);
  for (const std::string& text : world.innocent) {
    const auto units = words_of(text);
    for (size_t i = 0; i + 3 <= units.size(); ++i) {
      const auto window = std::span(units).subspan(i, 3);
      if (seen.contains(hash_of(window))) innocent.add_window(window);
    }
  }
  EXPECT_GT(detect(world.key, kMark, innocent).z, 3);
  EXPECT_LT(std::abs(detect(control_key(1), kMark, innocent).z), 4);  // and wrong keys do not show it
}

TEST(Filter, LeavesOutPromptsThatQuoteMarkedAnswers) {
  const World world(3, 10, 4);
  Windows windows(2, &world.filter);
  windows.add_text(world.innocent[0], "Continue: " + world.selected[0]);
  EXPECT_EQ(windows.counts().quoting, 1u);
  EXPECT_EQ(windows.size(), 0u);
  windows.add_text(world.innocent[0], "Tell me something about rain, and be brief.");
  EXPECT_EQ(windows.counts().quoting, 1u);
}

TEST(SentenceSelector, MarksEverySentence) {
  const DraftSelector selector(control_key(4), kMark);
  const TestLanguage language(7);
  base::Random random(21);
  Windows whole(2);
  Windows by_sentence(2);
  GivenWindows given_whole;
  GivenWindows given_sentences;
  constexpr int kSentences = 8;
  for (int i = 0; i < 20; ++i) {
    const auto sentence = [&](uint64_t topic) { return " " + language.text(18, random, topic) + "."; };
    std::vector<std::string> drafts(4);
    for (std::string& draft : drafts) {
      for (int s = 0; s < kSentences; ++s) draft += sentence(i);
    }
    whole.add_text(drafts[select(selector, drafts, given_whole).chosen]);

    SentenceSelector steps(selector, given_sentences);
    for (int s = 0; !steps.finished(); ++s) {
      ASSERT_LT(s, kSentences);
      const bool last = s + 1 == kSentences;
      std::vector<std::string> texts;
      for (int d = 0; d < 4; ++d) texts.push_back(sentence(i) + (last ? "" : sentence(i)));
      std::vector<SentenceSelector::Draft> continuations;
      for (const std::string& text : texts) continuations.push_back({text, last});
      const std::string before = steps.text();
      const std::string added(steps.add(continuations));
      EXPECT_EQ(steps.text(), before + added);
      EXPECT_EQ(sentence_end(added), added.size());
    }
    EXPECT_EQ(steps.selections().size(), static_cast<size_t>(kSentences));
    by_sentence.add_text(steps.text());
  }
  const double z_whole = detect(selector.key(), kMark, whole).z;
  const double z_sentences = detect(selector.key(), kMark, by_sentence).z;
  EXPECT_GT(z_sentences, 1.8 * z_whole);
  EXPECT_GT(z_sentences, 0.7 * 1.03 * std::sqrt(20.0 * kSentences));
}

TEST(SentenceSelector, EndsWhenNothingComes) {
  const DraftSelector selector(control_key(4), kMark);
  GivenWindows given;
  SentenceSelector steps(selector, given);
  const SentenceSelector::Draft nothing[] = {{"", false}, {"", true}};
  EXPECT_EQ(steps.add(nothing), "");
  EXPECT_TRUE(steps.finished());
}

}  // namespace
}  // namespace stillwatch::watermark
