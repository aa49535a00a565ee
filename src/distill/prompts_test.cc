#include "distill/prompts.h"

#include <gmock/gmock.h>

namespace stillwatch::distill {
namespace {

using testing::HasSubstr;

TEST(Prompts, AreReadFromMessagesOrText) {
  const auto prompts =
      read_prompts(R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}],"answer":"7"})"
                   "\n\n  \r\n"
                   R"({"prompt":"p","id":"mine"})",
                   "f");
  ASSERT_TRUE(prompts) << prompts.error().message;
  ASSERT_EQ(prompts->size(), 2u);
  EXPECT_EQ(prompts->at(0).messages.size(), 2u);
  EXPECT_EQ(prompts->at(0).messages[1].content, "u");
  EXPECT_EQ(prompts->at(0).id.size(), 16u);
  EXPECT_EQ(prompts->at(1).id, "mine");
  EXPECT_EQ(prompts->at(1).messages[0].role, "user");
}

TEST(Prompts, LeaveOutTheSolution) {
  const auto prompts = read_prompts(
      R"({"messages":[{"role":"user","content":"u"},{"role":"assistant","reasoning_content":"r","content":"a"}]})",
      "f");
  ASSERT_TRUE(prompts);
  EXPECT_EQ(prompts->at(0).messages.size(), 1u);
}

TEST(Prompts, AreNamedByWhatTheyAskAndAskedOnce) {
  const auto a = read_prompts("{\"prompt\":\"p\"}\n{\"prompt\":\"q\"}\n{\"prompt\":\"p\"}\n", "f");
  const auto b = read_prompts(R"({"messages":[{"role":"user","content":"q"}]})", "g");
  ASSERT_TRUE(a && b);
  ASSERT_EQ(a->size(), 2u);
  EXPECT_NE(a->at(0).id, a->at(1).id);
  EXPECT_EQ(a->at(1).id, b->at(0).id);
}

TEST(Prompts, SayWhichLineIsWrongAndWhy) {
  for (const auto& [line, why] :
       {std::pair("nonsense", "no JSON object"), std::pair("[]", "no JSON object"),
        std::pair("{}", "neither `messages` nor `prompt`"), std::pair(R"({"messages":[]})", "asks nothing"),
        std::pair(R"({"messages":[{"role":"assistant","content":"a"}]})", "asks nothing"),
        std::pair(R"({"messages":[{"role":"user"}]})", "without the texts"),
        std::pair(R"({"messages":[{"role":"user","content":"u"},{"role":"system","content":"s"}]})", "asks nothing")}) {
    const auto prompts = read_prompts(std::string("{\"prompt\":\"p\"}\n") + line, "f");
    ASSERT_FALSE(prompts) << line;
    EXPECT_THAT(prompts.error().message, HasSubstr("f:2: the line"));
    EXPECT_THAT(prompts.error().message, HasSubstr(why)) << line;
  }
  EXPECT_FALSE(read_prompts("", "f"));
  EXPECT_FALSE(read_prompts("{\"prompt\":\"p\",\"id\":\"" + std::string(300, 'x') + "\"}", "f"));
}

}  // namespace
}  // namespace stillwatch::distill
