#include "countermeasure/summary.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace stillwatch::countermeasure {
namespace {

TEST(Summary, AsksInOneMessageWhateverTheReasoningHolds) {
  const auto asked = nlohmann::json::parse(summary_request("a \"small\" model", "first\nthen \"two\"", 200));
  EXPECT_EQ(asked["model"], "a \"small\" model");
  EXPECT_EQ(asked["max_tokens"], 200);
  ASSERT_EQ(asked["messages"].size(), 1u);
  EXPECT_EQ(asked["messages"][0]["role"], "user");
  EXPECT_THAT(asked["messages"][0]["content"].get<std::string>(), testing::EndsWith("\nfirst\nthen \"two\""));
}

TEST(Summary, IsTheVisibleTextInBothDialects) {
  EXPECT_EQ(summary_in(R"({"choices":[{"message":{"reasoning_content":"hm","content":" It adds. "}}]})"), "It adds.");
  EXPECT_EQ(summary_in(R"({"choices":[{"message":{"content":"<think>hm</think>\n\nIt adds."}}]})"), "It adds.");
  EXPECT_EQ(summary_in(R"({"type":"message","content":[{"type":"thinking","thinking":"hm"},)"
                       R"({"type":"text","text":"It adds."}]})"),
            "It adds.");
}

TEST(Summary, OfWhatSaysNothingIsEmpty) {
  for (const char* body :
       {"", "{", "[]", R"({"error":{"message":"no"}})", R"({"choices":[{"message":{"content":"  "}}]})"})
    EXPECT_EQ(summary_in(body), "") << body;
}

TEST(Summary, IsCutBetweenCharacters) {
  std::string text = "x";
  for (int i = 0; i < 3000; ++i) text += "\u00e9";
  const std::string summary = summary_in(R"({"choices":[{"message":{"content":")" + text + R"("}}]})");
  EXPECT_EQ(summary.size(), kSummaryBytesMax - 1);
  EXPECT_TRUE(summary.ends_with("\u00e9"));
}

}  // namespace
}  // namespace stillwatch::countermeasure
