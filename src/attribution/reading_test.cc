#include "attribution/reading.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "attribution/open_model.h"
#include "base/hash.h"
#include "base/random.h"
#include "watermark/embed.h"
#include "watermark/select.h"

namespace stillwatch::attribution {
namespace {

namespace wm = watermark;
using nlohmann::json;
using testing::HasSubstr;
using wm::Units;
using wm::words_of;

std::string completion(const std::vector<std::string>& tokens, const std::vector<json>& tops,
                       json more = json::object()) {
  more["choices"] = {{{"logprobs", {{"tokens", tokens}, {"top_logprobs", tops}}}}};
  return more.dump() + "\n";
}

wm::MarkEvidence mark_of(Units units, int context) {
  wm::MarkEvidence evidence;
  evidence.units = units;
  evidence.mark.context = context;
  return evidence;
}

Readings read(std::string_view lines, const wm::MarkEvidence& mark) {
  Readings readings;
  const auto done = read_readings(lines, "readings", mark, readings);
  EXPECT_TRUE(done) << done.error().message;
  return readings;
}

std::string refusal(std::string_view lines, const wm::MarkEvidence& mark) {
  Readings readings;
  const auto done = read_readings(lines, "readings", mark, readings);
  return done ? "" : done.error().message;
}

TEST(Reading, TellsWhatIsExpectedAtEveryPlace) {
  const Readings readings =
      read(completion({"The", " cat", " sat", " un", "happily", " there"}, {nullptr,
                                                                            {{" dog", -1.0}},
                                                                            {{" ran", -0.5}, {" sat", -0.9}},
                                                                            {{" down", -0.1}},
                                                                            {{"tidily", -0.1}, {" then", -3.0}},
                                                                            {{" alone", -2.0}, {"!", -3.0}}}),
           mark_of(Units::kWords, 2));
  // Not before two words were read; within a word, only where the next one may begin.
  ASSERT_EQ(readings.suspect.size(), 4u);
  const Place& first = readings.suspect[0];
  EXPECT_THAT(first.before, testing::ElementsAreArray(words_of("the cat")));
  ASSERT_EQ(first.next.size(), 2u);
  EXPECT_EQ(first.next[0].first, words_of("ran")[0]);
  EXPECT_NEAR(first.next[0].second, std::exp(-0.5), 1e-12);
  EXPECT_TRUE(first.said);
  EXPECT_THAT(readings.suspect[1].before, testing::ElementsAreArray(words_of("cat sat")));
  EXPECT_THAT(readings.suspect[2].before, testing::ElementsAreArray(words_of("sat un")));
  EXPECT_EQ(readings.suspect[2].next.front().first, words_of("then")[0]);
  EXPECT_FALSE(readings.suspect[2].said);  // it says "untidily"
  EXPECT_THAT(readings.suspect[3].before, testing::ElementsAreArray(words_of("sat unhappily")));
  EXPECT_EQ(readings.suspect[3].next.size(), 1u);
}

TEST(Reading, ContextsThatTheTextHasContinuedAlreadyCouldBeCopied) {
  const Readings readings =
      read(completion({"a", " b", " a", " b"}, {nullptr, {{" x", -1}}, {{" y", -1}}, {{" b", -1}}}),
           mark_of(Units::kWords, 1));
  ASSERT_EQ(readings.suspect.size(), 3u);
  EXPECT_TRUE(readings.suspect[0].said);   // a x
  EXPECT_TRUE(readings.suspect[1].said);   // b y
  EXPECT_FALSE(readings.suspect[2].said);  // a b
}

TEST(Reading, OfTokensNeedsTheirIds) {
  const wm::MarkEvidence tokens = mark_of(Units::kTokens, 1), words = mark_of(Units::kWords, 1);
  const std::string by_id = completion({"token_id:7", "token_id:9"}, {nullptr, {{"token_id:8", -1}, {"x", -0.5}}});
  const std::string by_text = completion({"a", " b"}, {nullptr, {{" c", -1}}});
  const Readings readings = read(by_id + by_text, tokens);
  ASSERT_EQ(readings.suspect.size(), 1u);
  EXPECT_THAT(readings.suspect[0].before, testing::ElementsAre(7));
  EXPECT_EQ(readings.suspect[0].next.front().first, 8u);
  EXPECT_EQ(read(by_id + by_text, words).suspect.size(), 1u);  // each mark takes what it can
  EXPECT_THAT(refusal(by_text, tokens), HasSubstr("return_tokens_as_token_ids"));
  EXPECT_THAT(refusal(by_id, words), HasSubstr("return_tokens_as_token_ids"));
  EXPECT_THAT(refusal(completion({"token_id:7", "b"}, {nullptr, nullptr}), tokens), HasSubstr("has no name"));
}

TEST(Reading, LinesSayWhoseTheyAre) {
  const auto line = [](const char* by) { return completion({"a", " b"}, {nullptr, {{" c", -1}}}, {{"by", by}}); };
  const Readings readings = read(line("suspect") + line("reference") + line("clean:x") + line("clean:y") +
                                     line("clean:x") + R"({"by":"reference","context":"a","next":"b"})",
                                 mark_of(Units::kWords, 1));
  EXPECT_EQ(readings.suspect.size(), 1u);
  EXPECT_EQ(readings.reference.size(), 2u);
  ASSERT_EQ(readings.clean.size(), 2u);
  EXPECT_EQ(readings.clean[0].name, "x");
  EXPECT_EQ(readings.clean[0].places.size(), 2u);
  for (const char* by : {"", "clean:", "anybody"})
    EXPECT_THAT(refusal("\n" + line(by), mark_of(Units::kWords, 1)), testing::StartsWith("readings:2: `by` is"));
}

TEST(Reading, SaysWhatAnEndpointMustOffer) {
  const wm::MarkEvidence mark = mark_of(Units::kWords, 1);
  EXPECT_THAT(refusal(R"({"choices":[{"text":"x","logprobs":null}]})", mark), HasSubstr("\"echo\": true"));
  EXPECT_THAT(refusal(completion({"a", "b"}, {nullptr}), mark), HasSubstr("\"echo\": true"));
  EXPECT_THAT(refusal(R"({"choices":[]})", mark), HasSubstr("`choices`"));
  EXPECT_THAT(refusal("[]", mark), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal("{}", mark), HasSubstr("a choice is"));
}

// Whatever a server says of itself, probabilities are probabilities and alternatives few.
TEST(Reading, HostileRepliesAreHeldToBounds) {
  const wm::MarkEvidence mark = mark_of(Units::kWords, 1);
  json many = json::object();
  for (int i = 0; i < 1000; ++i) many[fmt::format(" w{}", i)] = -0.001 * i;
  const Readings readings = read(
      completion(
          {"a", " b", " c", " d", " e"},
          {nullptr, {{" x", 1e308}}, many, {{" y", "much"}, {" z", -1e308}, {"", -1.0}, {"\xEF\xBF\xBD", -1.0}}, 7}),
      mark);
  ASSERT_EQ(readings.suspect.size(), 2u);
  EXPECT_EQ(readings.suspect[0].next.front().second, 1.0);
  EXPECT_EQ(readings.suspect[1].next.size(), kTopsMax);
  EXPECT_EQ(readings.suspect[1].next.front().first, words_of("w0")[0]);
  EXPECT_THAT(refusal(R"({"choices":[{"logprobs":{"tokens":[1,null],"top_logprobs":[null,null]}}]})", mark),
              HasSubstr("has no name"));
  EXPECT_EQ(read(completion({}, {}), mark).suspect.size(), 0u);
  EXPECT_THAT(refusal("{\"choices\":" + std::string(100, '[') + std::string(100, ']') + "}", mark),
              HasSubstr("not a JSON object"));
}

TEST(Reading, LeavesOutTextsThatQuoteMarkedAnswers) {
  wm::MarkEvidence mark = mark_of(Units::kWords, 2);
  std::string answer;
  std::vector<std::string> tokens;
  std::vector<json> tops;
  for (int i = 0; i < 40; ++i) {
    tokens.push_back(fmt::format(" w{}", i));
    tops.push_back({{" next", -1.0}});
    answer += tokens.back();
  }
  const std::string line = completion(tokens, tops);
  EXPECT_EQ(read(line, mark).suspect.size(), 38u);
  const std::vector<std::string_view> drafts{answer, "something else"};
  wm::GivenWindows given;
  mark.filter.add(wm::DraftSelector(wm::control_key(1), mark.mark).select(drafts, given).sketch);
  const Readings quoting = read(line, mark);
  EXPECT_EQ(quoting.suspect.size(), 0u);
  EXPECT_EQ(quoting.quoting, 1u);
}

TEST(Reading, OfChoices) {
  const Readings words = read(
      "{\"context\":\"it rained all\",\"next\":\" day long\"}\n"
      "{\"context\":\"once\",\"next\":\"upon\"}\n"
      "{\"context\":\"a b c a b\",\"next\":\" c\"}\n",
      mark_of(Units::kWords, 2));
  ASSERT_EQ(words.suspect.size(), 2u);
  EXPECT_THAT(words.suspect[0].before, testing::ElementsAreArray(words_of("rained all")));
  EXPECT_THAT(words.suspect[0].next, testing::ElementsAre(std::pair(words_of("day")[0], 1.0)));
  EXPECT_TRUE(words.suspect[0].said);
  EXPECT_THAT(refusal("\n{\"context\":\"x\"}\n", mark_of(Units::kWords, 1)),
              testing::StartsWith("readings:2: a choice is"));
  const Readings tokens = read(R"({"context":[1,2,3],"next":4})", mark_of(Units::kTokens, 2));
  ASSERT_EQ(tokens.suspect.size(), 1u);
  EXPECT_THAT(tokens.suspect[0].before, testing::ElementsAre(2, 3));
  EXPECT_EQ(tokens.suspect[0].next.front().first, 4u);
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
    wm::MarkEvidence evidence = mark_of(Units::kTokens, 1);
    evidence.mark = mark;
    const Readings readings = read(completion(names, tops), evidence);
    const TestResult t = reading(key, evidence, readings.suspect, {}, 0).front();
    windows_all += static_cast<uint64_t>(t.figures.front().value);
    below += t.p() <= 0.05;
  }
  EXPECT_GT(agreed, 5u * kWorlds);
  EXPECT_GT(windows_all, 8u * kWorlds);
  EXPECT_LE(below, 0.05 * kWorlds + 4 * std::sqrt(0.05 * kWorlds));
}

}  // namespace
}  // namespace stillwatch::attribution
