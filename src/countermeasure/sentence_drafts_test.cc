#include "countermeasure/sentence_drafts.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "watermark/detect.h"
#include "watermark/test_text.h"

namespace stillwatch::countermeasure {
namespace {

using nlohmann::json;
namespace wm = watermark;

std::string body(const std::string& text, const char* finish) {
  return json{
      {"choices", {{{"index", 0}, {"message", {{"role", "assistant"}, {"content", text}}}, {"finish_reason", finish}}}},
      {"usage", {{"prompt_tokens", 7}, {"completion_tokens", 40}, {"total_tokens", 47}}}}
      .dump();
}

TEST(SentenceDrafts, AsksForWhatFollowsAndGivesOneAnswer) {
  const wm::DraftSelector selector(wm::control_key(1), wm::Mark{});
  wm::GivenWindows given;
  SentenceDrafts drafts(
      R"({"messages":[{"role":"user","content":"hi"}],"max_tokens":900,"stream":true,"temperature":0.8})", 2, selector,
      given);
  auto requests = drafts.requests();
  ASSERT_EQ(requests.size(), 2u);
  json request = json::parse(requests[0]);
  EXPECT_EQ(request["max_tokens"], 120);
  EXPECT_EQ(request["stream"], false);
  EXPECT_FALSE(request.contains("continue_final_message"));

  const std::string first = "It rained for many days in the valley.";
  ASSERT_TRUE(drafts.take(std::vector{body(first + " And then it was", "length"), std::string("busy")}));
  EXPECT_EQ(drafts.added(), first);
  EXPECT_FALSE(drafts.finished());
  request = json::parse(drafts.requests()[1]);
  EXPECT_EQ(request["messages"].back(), (json{{"role", "assistant"}, {"content", first}}));
  EXPECT_EQ(request["continue_final_message"], true);
  EXPECT_EQ(request["add_generation_prompt"], false);

  ASSERT_TRUE(drafts.take(std::vector{body(" Nobody went out of the house.", "stop")}));
  EXPECT_TRUE(drafts.finished());
  const GivenDraft result = drafts.result();
  const json answer = json::parse(result.body);
  EXPECT_EQ(answer["choices"][0]["message"]["content"], first + " Nobody went out of the house.");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(result.tokens_made, 80u);
  EXPECT_LT(result.tokens_given, 80u);
  EXPECT_GT(result.tokens_given, 60u);
  EXPECT_EQ(answer["usage"]["completion_tokens"], result.tokens_given);
  EXPECT_EQ(drafts.selections().size(), 2u);
  // "It rained ... valley Nobody went out of the house" has 12 windows, and the drafts said nothing else.
  EXPECT_EQ(result.selection.sketch.windows().hashes().size(), 12u);
  EXPECT_FALSE(drafts.take({}));
}

TEST(SentenceDrafts, OneAnswerCarriesTheMark) {
  const wm::Key key = wm::control_key(6);
  const wm::DraftSelector selector(key, wm::Mark{});
  const wm::TestLanguage language(4);
  base::Random random(8);
  wm::GivenWindows given;
  SentenceDrafts drafts(R"({"messages":[{"role":"user","content":"hi"}]})", 8, selector, given);
  for (int s = 0; s < 20; ++s) {
    std::vector<std::string> bodies;
    for (int d = 0; d < 8; ++d)
      bodies.push_back(body(" " + language.text(15, random, s) + ".", s == 19 ? "stop" : "length"));
    ASSERT_TRUE(drafts.take(bodies));
  }
  EXPECT_TRUE(drafts.finished());
  wm::Windows windows(2);
  windows.add_text(json::parse(drafts.result().body)["choices"][0]["message"]["content"].get<std::string>());
  EXPECT_LT(wm::detect(key, wm::Mark{}, windows).p(), 1e-4);
}

}  // namespace
}  // namespace stillwatch::countermeasure
