#include "distill/exam.h"

#include <gmock/gmock.h>

#include "distill/test_models.h"

namespace stillwatch::distill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kRows =
    R"({"messages":[{"role":"user","content":"a?"},{"role":"assistant","content":"1"}],"answer":"1","level":1,"structure":"x"})"
    "\n\n"
    R"({"messages":[{"role":"user","content":"b?"}],"answer":"2"})"
    "\n";

TEST(Questions, LeaveTheirSolutionsOut) {
  const auto q = read_questions(kRows, "f", 10);
  ASSERT_TRUE(q) << q.error().message;
  ASSERT_EQ(q->size(), 2U);
  EXPECT_EQ((*q)[0].asked.size(), 1U);
  EXPECT_EQ((*q)[0].asked[0].content, "a?");
  EXPECT_EQ((*q)[0].answer, "1");
  EXPECT_EQ((*q)[0].structure, "x");
  EXPECT_EQ((*q)[0].level, 1);
  EXPECT_EQ((*q)[1].level, 0);
  EXPECT_EQ(read_questions(kRows, "f", 1)->size(), 1U);
}

TEST(Questions, NameTheLineThatIsNone) {
  const std::string rows = kRows;
  EXPECT_THAT(read_questions(rows + R"({"messages":[{"role":"user","content":"c"}]})", "f", 10).error().message,
              HasSubstr("f:4: `answer` is missing"));
  EXPECT_THAT(
      read_questions(R"({"messages":[{"role":"assistant","content":"c"}],"answer":"1"})", "f", 10).error().message,
      HasSubstr("f:1"));
  EXPECT_THAT(read_questions("\n", "f", 10).error().message, HasSubstr("no questions"));
}

TEST(Exam, CountsWhatIsRightByLevel) {
  // A model that knows five of six by heart.
  const std::vector<model::Conversation> known = test::sums(6);
  const model::Model m = test::fitted(known);
  std::vector<Question> questions;
  for (size_t i = 0; i < known.size(); ++i)
    questions.push_back({{known[i][0]}, i == 4 ? "99" : known[i][1].content, "", i < 2 ? 1 : 2});
  const model::Transformer transformer(m.config, m.weights);
  AnswerOptions options;
  options.tokens_max = 40;
  const auto exam = examine(transformer, *m.marks, m.tokenizer, questions, options);
  ASSERT_TRUE(exam) << exam.error().message;
  EXPECT_THAT(exam->right, ElementsAre(true, true, true, true, false, true));
  EXPECT_EQ(exam->all, (Tally{5, 6}));
  EXPECT_EQ(exam->levels.at(1), (Tally{2, 2}));
  EXPECT_EQ(exam->levels.at(2), (Tally{3, 4}));
  EXPECT_EQ(exam->answers[3].reasoning, known[3][1].reasoning);
  EXPECT_GT(exam->tokens, 6U * 3);
  options.at_once = 2;
  options.threads = 2;
  EXPECT_EQ(examine(transformer, *m.marks, m.tokenizer, questions, options)->right, exam->right);
}

TEST(Exam, TakesProblemsAsTheyAreMade) {
  problems::Generator generator(5, problems::Split::kTest);
  const problems::Problem p = generator.next();
  const auto read = read_questions(problems::to_row(p), "f", 1);
  ASSERT_TRUE(read);
  const Question q = question_of(p);
  EXPECT_EQ(q.asked[0].content, (*read)[0].asked[0].content);
  EXPECT_EQ(q.answer, (*read)[0].answer);
  EXPECT_EQ(q.level, (*read)[0].level);
  EXPECT_EQ(q.structure, (*read)[0].structure);
}

}  // namespace
}  // namespace stillwatch::distill
