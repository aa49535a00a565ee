#include "attribution/reading.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/random.h"
#include "watermark/detect.h"
#include "watermark/embed.h"

namespace stillwatch::attribution {
namespace {

namespace wm = watermark;
using nlohmann::json;
using testing::HasSubstr;
using wm::Units;
using wm::Windows;
using wm::words_of;

std::string completion(const std::vector<std::string>& tokens, const std::vector<json>& tops) {
  return json{{"choices", {{{"logprobs", {{"tokens", tokens}, {"top_logprobs", tops}}}}}}}.dump();
}

TEST(Reading, TakesTheLikeliestWordAtEveryPlace) {
  Windows windows(2);
  const auto places =
      add_reading(completion({"The", " cat", " sat", " un", "happily", " there"}, {nullptr,
                                                                                   {{" dog", -1.0}},
                                                                                   {{" ran", -0.5}, {" sat", -0.9}},
                                                                                   {{" down", -0.1}},
                                                                                   {{"tidily", -0.1}},
                                                                                   {{" alone", -2.0}, {"!", -3.0}}}),
                  Units::kWords, windows);
  ASSERT_TRUE(places) << places.error().message;
  // "the cat ran", "cat sat down", "sat unhappily alone": not within a word, and not before two words were read.
  EXPECT_EQ(*places, 3u);
  ASSERT_EQ(windows.size(), 3u);
  EXPECT_THAT(windows[0], testing::ElementsAreArray(words_of("the cat ran")));
  EXPECT_THAT(windows[1], testing::ElementsAreArray(words_of("cat sat down")));
  EXPECT_THAT(windows[2], testing::ElementsAreArray(words_of("sat unhappily alone")));
}

TEST(Reading, LeavesOutContextsThatTheTextHasContinuedAlready) {
  Windows windows(1);
  ASSERT_TRUE(add_reading(completion({"a", " b", " a", " b"}, {nullptr, {{" x", -1}}, {{" y", -1}}, {{" b", -1}}}),
                          Units::kWords, windows));
  EXPECT_EQ(windows.size(), 2u);  // a x, b y; not a b, which could be copied
}

TEST(Reading, OfTokensNeedsTheirIds) {
  Windows windows(1);
  ASSERT_TRUE(
      add_reading(completion({"token_id:7", "token_id:9"}, {nullptr, {{"token_id:8", -1}}}), Units::kTokens, windows));
  ASSERT_EQ(windows.size(), 1u);
  EXPECT_THAT(windows[0], testing::ElementsAre(7, 8));
  const auto no = add_reading(completion({"a", " b"}, {nullptr, {{" c", -1}}}), Units::kTokens, windows);
  ASSERT_FALSE(no);
  EXPECT_THAT(no.error().message, HasSubstr("return_tokens_as_token_ids"));
}

TEST(Reading, SaysWhatAnEndpointMustOffer) {
  Windows windows(1);
  const auto no = add_reading(R"({"choices":[{"text":"x","logprobs":null}]})", Units::kWords, windows);
  ASSERT_FALSE(no);
  EXPECT_THAT(no.error().message, HasSubstr("\"echo\": true"));
  EXPECT_FALSE(add_reading("[]", Units::kWords, windows));
  EXPECT_FALSE(add_reading("{}", Units::kWords, windows));
}

TEST(Reading, OfChoices) {
  Windows windows(2);
  EXPECT_EQ(*add_readings("{\"context\":\"it rained all\",\"next\":\" day long\"}\n"
                          "{\"context\":\"once\",\"next\":\"upon\"}\n",
                          "readings", Units::kWords, windows),
            1u);
  ASSERT_EQ(windows.size(), 1u);
  EXPECT_THAT(windows[0], testing::ElementsAreArray(words_of("rained all day")));
  EXPECT_EQ(*add_choice(R"({"context":[1,2,3],"next":4})", Units::kTokens, windows), 1u);
  EXPECT_EQ(windows.size(), 2u);
  EXPECT_EQ(*add_choice(R"({"context":"a b c a b","next":"c"})", Units::kWords, windows), 1u);
  EXPECT_EQ(windows.size(), 2u);  // a b was continued before
  const auto no = add_readings("\n{\"context\":\"x\"}\n", "readings", Units::kWords, windows);
  ASSERT_FALSE(no);
  EXPECT_THAT(no.error().message, testing::StartsWith("readings:2: a choice is"));
}

// Reading texts that are marked token by token is fair: an innocent that foretells them well does not look marked.
TEST(Reading, OfTokenMarkedTextSparesInnocentsThatForetellIt) {
  constexpr int32_t kVocabulary = 40;
  constexpr int kWorlds = 300;
  const wm::Mark mark{wm::Scheme::kGreen, 1, 0.5, 3};
  const auto model = [](std::span<const int32_t> tokens) {
    std::vector<float> logits;
    const uint64_t last = tokens.empty() ? 99 : static_cast<uint64_t>(tokens.back());
    for (uint64_t i = 0; i < kVocabulary; ++i)
      logits.push_back(static_cast<float>(base::combine(last, i) % 1000) / 160.0f);
    return logits;
  };
  int below = 0;
  uint64_t agreed = 0;
  uint64_t windows_all = 0;
  for (int world = 0; world < kWorlds; ++world) {
    base::Random random(world);
    const wm::Key key = wm::control_key(static_cast<uint64_t>(world));
    wm::Embedder embedder(key, mark);
    Windows windows(1);
    std::vector<int32_t> tokens;
    std::vector<std::string> names;
    std::vector<json> tops;
    for (int i = 0; i < 60; ++i) {
      std::vector<float> logits = model(tokens);
      // The innocent knows the model, and not the key.
      const auto expected = std::max_element(logits.begin(), logits.end()) - logits.begin();
      embedder.apply(tokens, logits);
      double sum = 0;
      for (const float l : logits) sum += std::exp(static_cast<double>(l));
      double left = random.uniform() * sum;
      int32_t drawn = 0;
      for (; drawn + 1 < kVocabulary; ++drawn) {
        left -= std::exp(static_cast<double>(logits[drawn]));
        if (left < 0) break;
      }
      agreed += drawn == expected;
      tops.push_back({{"token_id:" + std::to_string(expected), -0.5}});
      names.push_back("token_id:" + std::to_string(drawn));
      tokens.push_back(drawn);
    }
    ASSERT_TRUE(add_reading(completion(names, tops), Units::kTokens, windows));
    windows_all += windows.size();
    below += wm::detect(key, mark, windows).p() <= 0.05;
  }
  EXPECT_GT(agreed, 5u * kWorlds);
  EXPECT_GT(windows_all, 8u * kWorlds);
  EXPECT_LE(below, 0.05 * kWorlds + 4 * std::sqrt(0.05 * kWorlds));
}

}  // namespace
}  // namespace stillwatch::attribution
