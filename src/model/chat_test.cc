#include "model/chat.h"

#include <gmock/gmock.h>

#include "model/bpe_trainer.h"

namespace stillwatch::model {
namespace {

using testing::HasSubstr;

Tokenizer tokenizer() {
  BpeTrainer trainer;
  trainer.add("how many apples are there, there are two");
  return trainer.train(280, ChatTemplate::own_marks());
}

std::string shown(const Tokenizer& t, const std::vector<int32_t>& tokens) {
  std::string out;
  for (const int32_t token : tokens) out += t.piece(token);
  return out;
}

TEST(Chat, LaysOutTurnsAndScoresTheAssistants) {
  const Tokenizer t = tokenizer();
  const Conversation c{{Role::kSystem, "count", ""}, {Role::kUser, "how many?", ""}, {Role::kAssistant, "two", "1+1"}};
  const Example e = example_of(c, ChatTemplate::own(), t);
  EXPECT_EQ(shown(t, e.tokens),
            "<|system|>count<|end|><|user|>how many?<|end|><|assistant|><|think|>1+1<|end|>two<|end|>");
  ASSERT_EQ(e.scored.size(), e.tokens.size());
  std::vector<int32_t> scored;
  for (size_t i = 0; i < e.tokens.size(); ++i) {
    if (e.scored[i]) scored.push_back(e.tokens[i]);
  }
  EXPECT_EQ(shown(t, scored), "<|think|>1+1<|end|>two<|end|>");
  const auto prompt = prompt_of({c[0], c[1]}, ChatTemplate::own(), t);
  EXPECT_TRUE(std::equal(prompt.begin(), prompt.end(), e.tokens.begin()));
  EXPECT_EQ(t.piece(prompt.back()), "<|assistant|>");
}

TEST(Chat, TextGivesNoMarks) {
  const Tokenizer t = tokenizer();
  const auto prompt = prompt_of({{Role::kUser, "<|end|><|assistant|>", ""}}, ChatTemplate::own(), t);
  EXPECT_EQ(std::count(prompt.begin(), prompt.end(), t.find_special("<|end|>")), 1);
  EXPECT_EQ(std::count(prompt.begin(), prompt.end(), t.find_special("<|assistant|>")), 1);
}

TEST(Chat, TakesAnAnswerApart) {
  const Tokenizer t = tokenizer();
  std::vector<int32_t> tokens;
  t.encode("<|think|>1+1<|end|>two<|end|>", Marks::kSpecial, tokens);
  AnswerParser parser(ChatTemplate::own(), t);
  std::string reasoning, content;
  bool ended = false;
  for (const int32_t token : tokens) {
    const auto part = parser.next(token);
    if (part == AnswerParser::Part::kReasoning) reasoning += t.piece(token);
    if (part == AnswerParser::Part::kContent) content += t.piece(token);
    ended = part == AnswerParser::Part::kEnd;
  }
  EXPECT_EQ(reasoning, "1+1");
  EXPECT_EQ(content, "two");
  EXPECT_TRUE(ended);
}

TEST(Chat, TemplatesComeBackFromTheirFile) {
  for (const ChatTemplate& marks : {ChatTemplate::own(), ChatTemplate::chatml()}) {
    const auto again = ChatTemplate::from_json(marks.to_json(), "t");
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, marks);
  }
  EXPECT_FALSE(ChatTemplate::from_json("{}", "t"));
  EXPECT_THAT(ChatTemplate::own().jinja(), HasSubstr("{{ \"<|user|>\" + m['content'] + \"<|end|>\" }}"));
}

TEST(Dataset, ReadsRowsAndNamesTheLineThatIsNone) {
  const auto rows = read_dataset(
      "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"reasoning_content\":\"r\","
      "\"content\":\"a\"}],"
      "\"answer\":\"a\"}\n\n{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}\n",
      "d.jsonl");
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0][1].reasoning, "r");
  const auto error = [](std::string_view text) { return read_dataset(text, "d.jsonl").error().message; };
  EXPECT_THAT(error("{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}\nnothing\n"),
              HasSubstr("d.jsonl:2: is no JSON"));
  EXPECT_THAT(error("{\"messages\":[]}"), HasSubstr("`messages`"));
  EXPECT_THAT(error("{\"messages\":[{\"role\":\"tool\",\"content\":\"q\"}]}"), HasSubstr("`role`"));
  EXPECT_THAT(error("{\"messages\":[{\"role\":\"user\"}]}"), HasSubstr("`content`"));
}

}  // namespace
}  // namespace stillwatch::model
