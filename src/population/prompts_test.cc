#include "population/prompts.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "base/random.h"

namespace stillwatch::population {
namespace {

namespace fs = std::filesystem;

// A folder of its own, gone afterwards.
class PromptFolder : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) /
            fmt::format("prompts_{}", testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    fs::create_directories(root_ / "benign");
    fs::create_directories(root_ / "distill");
  }
  void TearDown() override { fs::remove_all(root_); }
  void write(const char* name, const std::string& text) const { std::ofstream(root_ / name, std::ios::binary) << text; }
  base::Result<Prompts> load() const { return Prompts::load({root_.string()}); }
  fs::path root_;
};

TEST_F(PromptFolder, ReadsConversationsWithTheirAnswers) {
  write("benign/talk.jsonl",
        R"({"id":"1","user":"ada","messages":[{"role":"system","content":"s"},{"role":"user","content":"a \"b\"\n"},)"
        R"({"role":"assistant","content":"c"},{"role":"user","content":"d"},{"role":"assistant","content":"e"}]})"
        "\n"
        R"({"id":"2","user":"ada","task":"t2","messages":[{"role":"user","content":"f"}],"response":"g"})");
  const auto prompts = load();
  ASSERT_TRUE(prompts) << prompts.error().message;
  ASSERT_EQ(prompts->sources.size(), 1U);
  const Source& s = prompts->sources[0];
  EXPECT_EQ(s.folder + "/" + s.name, "benign/talk");
  ASSERT_EQ(s.conversations.size(), 2U);
  const Conversation& first = s.conversations[0];
  ASSERT_EQ(first.turns.size(), 3U);
  EXPECT_EQ(first.turns[0].text, R"(a \"b\"\n)");
  EXPECT_TRUE(first.turns[1].assistant);
  EXPECT_EQ(first.response, "e");
  EXPECT_EQ(first.user_turns(), 2U);
  EXPECT_EQ(s.conversations[1].response, "g");
  EXPECT_EQ(first.user, s.conversations[1].user);
  EXPECT_NE(first.group, s.conversations[1].group);
}

TEST_F(PromptFolder, PassesOverWhatIsNoConversation) {
  write("benign/bad.jsonl",
        "not json\n[]\n{}\n{\"messages\":7}\n{\"messages\":[1,null,{\"role\":\"user\"}]}\n"
        "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"label\":\"attack\"}\n"
        "{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\x01y\"}]}\n" +
            std::string(100'000, '[') + "\n{\"messages\":[{\"role\":\"user\",\"content\":\"kept\"}]}\n");
  const auto prompts = load();
  ASSERT_TRUE(prompts) << prompts.error().message;
  EXPECT_EQ(prompts->sources[0].conversations.back().turns[0].text, "kept");
  EXPECT_LE(prompts->sources[0].conversations.size(), 2U);
}

TEST_F(PromptFolder, SaysWhatIsMissing) {
  EXPECT_THAT(load().error().message, testing::HasSubstr("holds no prompts"));
  const auto nowhere = Prompts::load({(root_ / "nowhere").string()});
  EXPECT_THAT(nowhere.error().message, testing::HasSubstr("nowhere"));
}

TEST_F(PromptFolder, RefusesAFileThatIsCutOff) {
  const std::string whole = (root_ / "benign/cut.jsonl.gz").string();
  const gzFile file = gzopen(whole.c_str(), "wb");
  base::Random random(3);
  for (int i = 0; i < 3000; ++i) {
    gzputs(file, fmt::format(R"({{"messages":[{{"role":"user","content":"{}"}}]}})", random.bits()).c_str());
    gzputs(file, "\n");
  }
  gzclose(file);
  EXPECT_TRUE(load());
  fs::resize_file(whole, fs::file_size(whole) / 2);
  const auto prompts = load();
  ASSERT_FALSE(prompts);
  EXPECT_THAT(prompts.error().message, testing::HasSubstr("cut.jsonl.gz"));
}

TEST_F(PromptFolder, UsersWhoKeepToTheirTopicAreMeasuredAsPersistent) {
  constexpr const char* kSubjects[] = {"gardens roses compost", "engines pistons gearbox", "mortgage interest lender",
                                       "sonata violin orchestra"};
  const auto persistence = [&](bool loyal) {
    base::Random random(5);
    std::string text;
    for (int user = 0; user < 150; ++user) {
      for (int i = 0; i < 4; ++i) {
        const char* subject = kSubjects[loyal ? user % 4 : static_cast<int>(random.below(4))];
        text += fmt::format(R"({{"user":"{}","messages":[{{"role":"user","content":"{}"}}]}})", user, subject) + "\n";
      }
    }
    write("benign/users.jsonl", text);
    return load()->persistence;
  };
  EXPECT_GT(persistence(true), 0.85);
  EXPECT_LT(persistence(false), 0.35);
}

}  // namespace
}  // namespace stillwatch::population
