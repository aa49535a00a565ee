#include "model/tokenizer.h"

#include <gmock/gmock.h>

#include "base/random.h"
#include "model/bpe_trainer.h"
#include "model/split.h"

namespace stillwatch::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> words(std::string_view text, const Split& split) {
  std::vector<std::string> out;
  each_word(text, split, [&](std::string_view w) { out.emplace_back(w); });
  return out;
}

TEST(Split, CutsAsGpt2Does) {
  const Split gpt2{Pattern::kGpt2};
  EXPECT_THAT(words("Hello world, it's 2024!", gpt2), ElementsAre("Hello", " world", ",", " it", "'s", " 2024", "!"));
  EXPECT_THAT(words("a   b\n\n c  ", gpt2), ElementsAre("a", "  ", " b", "\n\n", " c", "  "));
  EXPECT_THAT(words("they'LL've", gpt2), ElementsAre("they", "'", "LL", "'ve"));
  EXPECT_THAT(words("na\xc3\xafve \xe4\xb8\xad\xe6\x96\x87", gpt2),
              ElementsAre("na\xc3\xafve", " \xe4\xb8\xad\xe6\x96\x87"));
}

TEST(Split, CutsAsNewerOnesDo) {
  const Split qwen{Pattern::kModern, 1}, llama{Pattern::kModern, 3};
  EXPECT_THAT(words("They'LL pay $1234.5\r\n\n  ok", qwen),
              ElementsAre("They", "'LL", " pay", " $", "1", "2", "3", "4", ".", "5", "\r\n\n", " ", " ok"));
  EXPECT_THAT(words("12345 x", llama), ElementsAre("123", "45", " x"));
  EXPECT_THAT(words("(word) if(x)!!\n", qwen), ElementsAre("(word", ")", " if", "(x", ")!!\n"));
  EXPECT_THAT(words("a  \n b", qwen), ElementsAre("a", "  \n", " b"));
}

TEST(Split, SingleDigitsStandAlone) {
  EXPECT_THAT(words("is 12+7", {Pattern::kGpt2, 1, true}), ElementsAre("is", " ", "1", "2", "+", "7"));
}

Tokenizer trained() {
  BpeTrainer trainer;
  for (int i = 0; i < 4; ++i) trainer.add("the cat and the hat and the bat sat on the mat 12 times, 345 times");
  return trainer.train(300, {"<|user|>", "<|end|>"});
}

std::vector<int32_t> encode(const Tokenizer& t, std::string_view text, Marks marks = Marks::kText) {
  std::vector<int32_t> out;
  t.encode(text, marks, out);
  return out;
}

TEST(Tokenizer, MergesWhatIsFrequentAndKeepsDigitsApart) {
  const Tokenizer t = trained();
  EXPECT_EQ(t.size(), 282U);  // no more pairs occur twice
  EXPECT_THAT(encode(t, " the"), testing::SizeIs(1));
  EXPECT_THAT(encode(t, "345"), ElementsAre('3', '4', '5'));
}

TEST(Tokenizer, GivesBackAllBytes) {
  const Tokenizer t = trained();
  base::Random random(5);
  for (int i = 0; i < 300; ++i) {
    std::string text;
    for (uint64_t n = random.below(60); n > 0; --n) {
      text += random.chance(0.3) ? static_cast<char>(random.below(256)) : "the cat 12\n"[random.below(11)];
    }
    EXPECT_EQ(t.decode(encode(t, text)), text);
  }
}

TEST(Tokenizer, MarksComeOutOfTextOnlyWhereAskedFor) {
  const Tokenizer t = trained();
  const int32_t end = t.find_special("<|end|>");
  ASSERT_GE(end, 0);
  EXPECT_THAT(encode(t, "cat<|end|>", Marks::kSpecial), testing::Contains(end));
  EXPECT_THAT(encode(t, "cat<|end|>"), testing::Not(testing::Contains(end)));
  EXPECT_EQ(t.decode(encode(t, "cat<|end|>")), "cat<|end|>");
  EXPECT_EQ(t.decode(encode(t, "cat<|end|>", Marks::kSpecial)), "cat");
}

TEST(Tokenizer, IsTheSameBehindItsFile) {
  const Tokenizer t = trained();
  const auto again = Tokenizer::from_json(t.json(), "tokenizer.json");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->fingerprint(), t.fingerprint());
  for (const std::string said : {"the cat sat", "345 hats\n\n", "\xff\x80 bat<|user|>"}) {
    EXPECT_EQ(encode(*again, said, Marks::kSpecial), encode(t, said, Marks::kSpecial));
  }
  BpeTrainer other;
  other.add("another text of other words, other words");
  EXPECT_NE(other.train(300, {"<|user|>", "<|end|>"}).fingerprint(), t.fingerprint());
}

TEST(Tokenizer, MergesLowestRankFirstThenLeftmost) {
  const auto t = Tokenizer::from_json(
      R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "ba": 3, "aba": 4, "abab": 5},
      "merges": [["b", "a"], "a b", "ab a"]}, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}})",
      "t.json");
  ASSERT_TRUE(t) << t.error().message;
  EXPECT_THAT(encode(*t, "abab"), ElementsAre(0, 3, 1));
  EXPECT_THAT(encode(*t, "aab"), ElementsAre(0, 2));
}

TEST(Tokenizer, NamesTheFieldItCannotRead) {
  const auto error = [](std::string_view json) { return Tokenizer::from_json(json, "t.json").error().message; };
  EXPECT_THAT(error("[]"), HasSubstr("t.json is no JSON object"));
  EXPECT_THAT(error("{}"), HasSubstr("`model` is missing"));
  EXPECT_THAT(error(R"({"model": {"type": "Unigram"}})"), HasSubstr("`model.type`"));
  EXPECT_THAT(error(R"({"model": {"vocab": {"a": 0}, "merges": []}})"), HasSubstr("`model.byte_fallback`"));
  EXPECT_THAT(error(R"({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "x+"}}, "model": {}})"),
              HasSubstr("Split"));
  constexpr const char* kBytes = R"("pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false})";
  EXPECT_THAT(error(std::string("{") + kBytes + R"(, "model": {"vocab": {"a": 0, "b": 2}, "merges": []}})"),
              HasSubstr("no token 1"));
  EXPECT_THAT(error(std::string("{") + kBytes + R"(, "model": {"vocab": {"a": 0}, "merges": ["a c"]}})"),
              HasSubstr("`model.merges` number 0"));
}

}  // namespace
}  // namespace stillwatch::model
