// Lets a model of this process answer problems greedily and counts what is right: the measure of a teacher and of its
// students.
//
// Invariant: the same model and questions give the same marks, whatever the threads and the answers at once. Thread
// rule: pure functions. Bounds: those of model/chat.h for a row.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "distill/answers.h"
#include "problems/problem.h"
#include "stats/binomial.h"

namespace stillwatch::distill {

struct Question {
  model::Conversation asked;  // ends in the user's turn
  std::string answer;         // whose last number is right
  std::string structure{};    // "" and 0 where the data does not say
  int level = 0;
};

Question question_of(const problems::Problem& problem);

// The first `count` rows, as `stillwatch-lab problems` writes them; an assistant's turns at the end are left out.
// Errors name the line as `file:line`. Fails for a row without `answer`, and where there is none.
base::Result<std::vector<Question>> read_questions(std::string_view text, std::string_view file, size_t count);

struct Tally {
  size_t right = 0, of = 0;
  double share() const { return of > 0 ? static_cast<double>(right) / static_cast<double>(of) : 0; }
  stats::Interval interval() const { return stats::wilson(right, of); }
  bool operator==(const Tally&) const = default;
};

struct Exam {
  std::vector<Answer> answers;  // of each question
  std::vector<bool> right;
  Tally all;
  std::map<int, Tally> levels;
  size_t tokens = 0;  // that the answers took
};

// REQUIRES: the model has marks, and `options.temperature` is what an exam wants: 0.
base::Result<Exam> examine(const model::Transformer& transformer, const model::ChatTemplate& marks,
                           const model::Tokenizer& tokenizer, const std::vector<Question>& questions,
                           const AnswerOptions& options);

}  // namespace stillwatch::distill
