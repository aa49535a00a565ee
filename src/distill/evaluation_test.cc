#include "distill/evaluation.h"

#include <gmock/gmock.h>

#include "distill/test_models.h"
#include "model/test_reference.h"

namespace stillwatch::distill {
namespace {

using testing::HasSubstr;

Exam exam_of(const std::vector<std::pair<const char*, bool>>& said) {
  Exam exam;
  for (const auto& [content, right] : said) {
    Answer answer;
    answer.content = content;
    answer.reasoning = "r";
    answer.ended = *content != '\0';
    exam.answers.push_back(answer);
    exam.right.push_back(right);
  }
  return exam;
}

TEST(Likeness, IsTheSlowTwins) {
  const model::Config c = model::tiny_config(true, false);
  const model::Weights w = model::random_weights(c, 3);
  base::Random random(5);
  std::vector<model::Example> written(2);
  size_t tokens = 0, foretold = 0;
  double nats = 0;
  for (size_t e = 0; e < 2; ++e) {
    for (size_t i = 0; i < 8 + 5 * e; ++i) {
      written[e].tokens.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(c.vocab_size))));
      written[e].scored.push_back(i >= 3);
    }
    // One token is what the model itself would say.
    auto logits = model::reference_logits(c, w, written[e].tokens);
    written[e].tokens[5] =
        static_cast<int32_t>(std::max_element(logits[4].begin(), logits[4].end()) - logits[4].begin());
    logits = model::reference_logits(c, w, written[e].tokens);
    for (size_t t = 3; t < written[e].tokens.size(); ++t) {
      const model::Row& row = logits[t - 1];
      const auto target = static_cast<size_t>(written[e].tokens[t]);
      double sum = 0;
      for (const double x : row) sum += std::exp(x);
      nats += std::log(sum) - row[target];
      foretold += row[target] == *std::max_element(row.begin(), row.end()) ? 1 : 0;
      ++tokens;
    }
  }
  const auto l = likeness(**training::make_cpu_network(c, w, 1), written);
  ASSERT_TRUE(l);
  EXPECT_EQ(l->tokens, tokens);
  EXPECT_EQ(l->foretold, foretold);
  EXPECT_GE(l->foretold, 2U);
  EXPECT_NEAR(l->nats, nats, 1e-3);
  EXPECT_NEAR(l->perplexity(), std::exp(nats / static_cast<double>(tokens)), 1e-3);
}

TEST(Likeness, OfAModelThatKnowsTheTextIsNearOne) {
  const auto rows = test::sums(4);
  const model::Model m = test::fitted(rows);
  EXPECT_LT(likeness(**training::make_cpu_network(m.config, m.weights, 1), test::examples_of(rows, m))->perplexity(),
            1.2);
}

TEST(Evaluation, CountsAgreementAndSharedErrors) {
  const Exam teacher = exam_of({{"7", true}, {"8", false}, {"9 coins", false}, {"", false}});
  const Exam student = exam_of({{"7.0", true}, {"It is 8", false}, {"4", false}, {"", false}});
  EXPECT_EQ(agreement(student, teacher), (Tally{2, 4}));  // no number is no agreement
  EXPECT_EQ(shared_errors(student, teacher), (Tally{1, 3}));
}

// The interval's deviation is held against draws of pairs.
TEST(Evaluation, TellsWhatIsKeptOfTheTeachersAccuracy) {
  const Exam teacher = exam_of({{"1", true}, {"2", true}, {"3", false}, {"4", true}, {"5", false}, {"6", true}});
  const Exam student = exam_of({{"1", true}, {"9", false}, {"3", true}, {"4", true}, {"9", false}, {"9", false}});
  const Retention kept = retention(student, teacher);
  EXPECT_EQ(kept.both, 2U);
  EXPECT_EQ(kept.student_alone, 1U);
  EXPECT_EQ(kept.teacher_alone, 2U);
  EXPECT_DOUBLE_EQ(kept.share(), 3.0 / 4);
  EXPECT_EQ(Retention{}.interval().low, 0);

  // Of 400 pairs 70 % both, 5 % the student alone, 15 % the teacher alone: the ratio is 75 / 85.
  base::Random random(7);
  int covered = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    Retention drawn;
    for (int i = 0; i < 400; ++i) {
      const double x = random.uniform();
      if (x < 0.9) ++(x < 0.7 ? drawn.both : x < 0.75 ? drawn.student_alone : drawn.teacher_alone);
    }
    const auto [low, high] = drawn.interval();
    covered += low <= 75.0 / 85 && 75.0 / 85 <= high ? 1 : 0;
  }
  EXPECT_NEAR(covered, 950, 25);
}

TEST(Evaluation, TakesWhatTheTeacherEnded) {
  std::vector<Question> questions(4);
  for (Question& q : questions) q.asked = {{model::Role::kUser, "q", ""}};
  const auto rows = conversations_of(questions, exam_of({{"7", true}, {"", false}, {"9", false}, {"", false}}));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1][0].content, "q");
  EXPECT_EQ(rows[1][1].content, "9");
  EXPECT_EQ(rows[1][1].reasoning, "r");
}

TEST(Cost, AddsWhatAModelWentOnFrom) {
  const auto cost = read_cost(R"({"parameters":100,"tokens":10,"cpu_seconds":2,"teacher_parameters":400,"on_policy":0.5,
      "exchanges":3,"prompt_tokens":30,"completion_tokens":60,
      "before":{"parameters":100,"tokens":1000,"cpu_seconds":5}})",
                              "f");
  ASSERT_TRUE(cost) << cost.error().message;
  EXPECT_DOUBLE_EQ(cost->operations, 10 * (100 * 7.0 + 2 * 400) + 1000 * 100 * 6.0);
  EXPECT_EQ(cost->tokens, 1010);
  EXPECT_EQ(cost->cpu_seconds, 7);
  EXPECT_EQ(cost->exchanges, 3);
  EXPECT_EQ(cost->prompt_tokens, 30);
  EXPECT_EQ(cost->completion_tokens, 60);
}

TEST(Cost, CountsADatasetThatWasTrainedOnTwiceOnce) {
  const auto of = [](const char* first, const char* second) {
    return read_cost(fmt::format(R"({{"parameters":1,"tokens":1,"cpu_seconds":1,"exchanges":3,"data":"{}",
        "before":{{"parameters":1,"tokens":1,"cpu_seconds":1,"exchanges":3,"data":"{}"}}}})",
                                 first, second),
                     "f")
        .value();
  };
  EXPECT_EQ(of("a", "a").exchanges, 3);
  EXPECT_EQ(of("a", "a").tokens, 2);
  EXPECT_EQ(of("a", "b").exchanges, 6);
}

TEST(Cost, KeepsWhatAPrunedModelInheritsApart) {
  const auto cost = read_cost(R"({"parameters":100,"tokens":10,"cpu_seconds":2,"exchanges":3,"data":"a",
      "before":{"method":"prune","parameters":100,"tokens":50,"cpu_seconds":1,"operations":7000,
        "inherits":{"parameters":400,"tokens":1000,"cpu_seconds":5,"exchanges":9,"data":"a",
          "before":{"parameters":400,"tokens":500,"cpu_seconds":5}}}})",
                              "f");
  ASSERT_TRUE(cost) << cost.error().message;
  EXPECT_DOUBLE_EQ(cost->operations, 10 * 100 * 6.0 + 7000);
  EXPECT_DOUBLE_EQ(cost->inherited, (1000 + 500) * 400 * 6.0);
  EXPECT_EQ(cost->tokens, 60);
  EXPECT_EQ(cost->cpu_seconds, 3);
  EXPECT_EQ(cost->exchanges, 3);
}

TEST(Cost, RefusesWhatTellsNone) {
  for (const char* text :
       {"", "[]", "{}", R"({"parameters":1,"tokens":"x","cpu_seconds":1})",
        R"({"parameters":1,"tokens":-1,"cpu_seconds":1})", R"({"parameters":1,"tokens":1,"cpu_seconds":1,"before":3})",
        R"({"parameters":1,"tokens":1,"cpu_seconds":1,"inherits":[]})",
        R"({"parameters":1,"tokens":1,"cpu_seconds":1,"operations":"x"})"}) {
    const auto cost = read_cost(text, "a/training.json");
    ASSERT_FALSE(cost) << text;
    EXPECT_THAT(cost.error().message, HasSubstr("a/training.json"));
  }
}

}  // namespace
}  // namespace stillwatch::distill
