#include "countermeasure/sentences.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "watermark/detect.h"
#include "watermark/test_text.h"

namespace stillwatch::countermeasure {
namespace {

using nlohmann::json;
namespace wm = watermark;

constexpr int kSentences = 6;

// An upstream that continues what the assistant began, until there are kSentences of eight words.
class Upstream {
 public:
  std::string answer(const std::string& request, AnswerKind kind) {
    const json asked = json::parse(request);
    const json& last = asked["messages"].back();
    const std::string begun = last["role"] == "assistant" ? last["content"].get<std::string>() : "";
    const auto there = std::count(begun.begin(), begun.end(), '.');
    const int limit = asked["max_tokens"];
    EXPECT_LE(limit, kSentenceTokensMax);
    const bool chat = kind == AnswerKind::kChatCompletions;
    if (chat) EXPECT_EQ(asked.value("continue_final_message", false), !begun.empty());
    std::string text;
    int tokens = 0;
    for (auto s = there; s < kSentences && s < there + 2 && tokens + 10 <= limit; ++s, tokens += 10)
      text += (s == 0 ? "" : " ") + language_.text(8, random_, static_cast<uint64_t>(s)) + ".";
    const bool ended = there + tokens / 10 == kSentences;
    if (chat) {
      const json message = {{"role", "assistant"}, {"content", text}};
      return json{{"choices", {{{"index", 0}, {"message", message}, {"finish_reason", ended ? "stop" : "length"}}}},
                  {"usage", {{"prompt_tokens", 7}, {"completion_tokens", tokens}, {"total_tokens", 7 + tokens}}}}
          .dump();
    }
    return json{{"type", "message"},
                {"content", {{{"type", "text"}, {"text", text}}}},
                {"stop_reason", ended ? "end_turn" : "max_tokens"},
                {"usage", {{"input_tokens", 7}, {"output_tokens", tokens}}}}
        .dump();
  }

 private:
  wm::TestLanguage language_{3};
  base::Random random_{5};
};

json request() {
  return {{"max_tokens", 1000}, {"messages", {{{"role", "user"}, {"content", "Tell me."}}}}};
}

GivenDraft given(const json& asked, AnswerKind kind, const wm::DraftSelector& by, wm::GivenWindows& windows) {
  static Upstream upstream;
  Sentences sentences(asked.dump(), 4, kind);
  EXPECT_TRUE(sentences.possible());
  wm::SentenceSelector selector(by, windows);
  for (int s = 0; !sentences.finished() && s < 20; ++s) {
    std::vector<std::string> bodies = {"{\"error\":1}", "no JSON"};
    for (const std::string& r : sentences.requests()) bodies.push_back(upstream.answer(r, kind));
    EXPECT_TRUE(sentences.add(bodies, selector));
  }
  return sentences.given();
}

TEST(Sentences, MarkEachSentenceOfAnAnswerThatLooksWhole) {
  const wm::DraftSelector by(wm::control_key(3), wm::Mark{});
  wm::GivenWindows windows;
  wm::Windows told(2);
  for (int i = 0; i < 20; ++i) {
    const GivenDraft out = given(request(), AnswerKind::kChatCompletions, by, windows);
    const json body = json::parse(out.body);
    const std::string text = body["choices"][0]["message"]["content"];
    EXPECT_EQ(std::count(text.begin(), text.end(), '.'), kSentences);
    EXPECT_EQ(text.find(". w") != text.npos, true);
    EXPECT_EQ(body["choices"][0]["finish_reason"], "stop");
    EXPECT_NEAR(body["usage"]["completion_tokens"], 10 * kSentences, 6);
    EXPECT_EQ(body["usage"]["prompt_tokens"], 7);
    EXPECT_EQ(out.drafts, 4u * kSentences);
    EXPECT_EQ(out.tokens_made, 4u * (20 * (kSentences - 1) + 10));
    EXPECT_EQ(out.selection.sketch.distinct_drafts(), 4u);
    told.add_text(text);
  }
  // Of 120 sentences each the best of four is expected to be 1.03 standard deviations high: 11.3 in all.
  EXPECT_GT(wm::detect(by.key(), wm::Mark{}, told).z, 7);
}

TEST(Sentences, OfMessagesEndWhereTheClientsLimitIs) {
  const wm::DraftSelector by(wm::control_key(3), wm::Mark{});
  wm::GivenWindows windows;
  json asked = request();
  const json whole = json::parse(given(asked, AnswerKind::kMessages, by, windows).body);
  EXPECT_EQ(whole["stop_reason"], "end_turn");
  asked["max_tokens"] = 35;
  const json cut = json::parse(given(asked, AnswerKind::kMessages, by, windows).body);
  EXPECT_EQ(cut["stop_reason"], "max_tokens");
  const std::string text = cut["content"][0]["text"];
  EXPECT_EQ(std::count(text.begin(), text.end(), '.'), 3);
  EXPECT_LE(cut["usage"]["output_tokens"], 35);
}

TEST(Sentences, AreNotAskedForWhereTheyCannotBe) {
  json begun = request();
  begun["messages"].push_back({{"role", "assistant"}, {"content", "Well,"}});
  EXPECT_FALSE(Sentences(begun.dump(), 4, AnswerKind::kMessages).possible());
  json cold = request();
  cold["temperature"] = 0;
  EXPECT_FALSE(Sentences(cold.dump(), 4, AnswerKind::kChatCompletions).possible());
  Sentences sentences(request().dump(), 2, AnswerKind::kChatCompletions);
  wm::GivenWindows windows;
  const wm::DraftSelector by(wm::control_key(3), wm::Mark{});
  wm::SentenceSelector selector(by, windows);
  const std::string thought =
      R"({"choices":[{"message":{"reasoning_content":"Hm.","content":"Yes, of course it is."}}]})";
  EXPECT_FALSE(sentences.add(std::vector<std::string>{thought, "{}"}, selector));
  EXPECT_FALSE(sentences.finished());
}

}  // namespace
}  // namespace stillwatch::countermeasure
