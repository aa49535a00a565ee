#include "attribution/samples.h"

#include <gmock/gmock.h>

namespace stillwatch::attribution {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;

auto sample(const std::string& prompt, const std::string& answer) {
  return AllOf(Field(&Sample::prompt, prompt), Field(&Sample::answer, answer));
}

std::vector<Sample> read(std::string_view text) {
  const auto samples = read_samples(text, "suspect");
  EXPECT_TRUE(samples) << samples.error().message;
  return samples ? *samples : std::vector<Sample>();
}

TEST(Samples, OfDataSetsInTheirUsualShapes) {
  EXPECT_THAT(read(R"({"instruction":"Sort.","input":"b a","output":"a b"})"),
              ElementsAre(sample("Sort.\nb a", "a b")));
  EXPECT_THAT(read("{\"prompt\":\"p\",\"completion\":\"c\"}\n\n{\"question\":\"q\",\"answer\":\"a\"}\n"),
              ElementsAre(sample("p", "c"), sample("q", "a")));
  EXPECT_THAT(read(R"({"text":"only text"})"), ElementsAre(sample("", "only text")));
  EXPECT_THAT(read(R"({"messages":[{"role":"user","content":"hi"}],"response":"yes"})"),
              ElementsAre(sample("hi", "yes")));
}

TEST(Samples, OfNothingAreSamplesToo) {
  EXPECT_THAT(read(R"({"prompt":"p","response":""})"), ElementsAre(sample("p", "")));
}

TEST(Samples, OfConversationsEveryAnswer) {
  EXPECT_THAT(read(R"({"conversations":[{"from":"human","value":"1"},{"from":"gpt","value":"2"},)"
                   R"({"from":"human","value":"3"},{"from":"gpt","value":"4"}]})"),
              ElementsAre(sample("1", "2"), sample("1\n2\n3", "4")));
}

TEST(Samples, OfLogs) {
  EXPECT_THAT(
      read(R"({"time":"2026-03-02T10:00:00Z","account":"a","request":{"messages":[{"role":"system","content":"s"},)"
           R"({"role":"user","content":"u"}]},"response":{"choices":[{"message":{"content":"c"}}]}})"),
      ElementsAre(sample("s\nu", "c")));
}

TEST(Samples, OfTokens) {
  const auto samples = read(R"({"prompt_tokens":[1,2],"tokens":[3,4,"x",5]})");
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_THAT(samples[0].tokens, ElementsAre(3, 4, 5));
  EXPECT_THAT(samples[0].prompt_tokens, ElementsAre(1, 2));
}

TEST(Samples, OfPlainText) {
  EXPECT_THAT(read("A story.\nIt ends.\n"), ElementsAre(sample("", "A story.\nIt ends.\n")));
}

TEST(Samples, SayWhatIsMissingAndWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "suspect is empty"},
      {"{\"text\":\"a\"}\n{\"secret\":\"b\"}", "suspect:2: it holds no answer"},
      {"{\"text\":\"a\"}\n{", "suspect:2: not a JSON object"},
      {"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", "suspect:1: it holds no answer"},
  };
  for (const auto& [text, message] : cases) {
    const auto samples = read_samples(text, "suspect");
    ASSERT_FALSE(samples) << text;
    EXPECT_THAT(samples.error().message, testing::StartsWith(message));
    EXPECT_EQ(samples.error().message.find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace stillwatch::attribution
