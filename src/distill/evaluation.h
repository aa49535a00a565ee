// A student beside its teacher: whether both give the same answers, how well the student foretells what the teacher
// writes, and what either cost.
//
// Compute is estimated at 6 operations for each parameter and token that was trained on (Kaplan et al. 2020, section
// 2.1), 2 for each that a teacher in the same process read, and 2 for each that a student drew to learn from; pruning
// counts its own. Thread rule: pure functions, but for the network's own.
#pragma once

#include <cmath>
#include <optional>
#include <string_view>

#include "distill/exam.h"
#include "training/network.h"

namespace stillwatch::distill {

// Of a text that somebody else wrote, token by token.
struct Likeness {
  size_t tokens = 0;
  size_t foretold = 0;  // were the most probable ones
  double nats = 0;      // -log of the text's probability
  double perplexity() const { return tokens > 0 ? std::exp(nats / static_cast<double>(tokens)) : 1; }
};
base::Result<Likeness> likeness(training::Network& network, std::span<const model::Example> written);

// The questions with what was said to them as conversations of their own; answers that did not end are left out.
std::vector<model::Conversation> conversations_of(const std::vector<Question>& questions, const Exam& exam);

// Questions to which both give the same last number. REQUIRES: exams in the same questions.
Tally agreement(const Exam& a, const Exam& b);
// Of those that the teacher gets wrong, the ones to which the student gives the same wrong number.
Tally shared_errors(const Exam& student, const Exam& teacher);

// What a student keeps of its teacher's accuracy on the same questions: the ratio of the two.
struct Retention {
  size_t both = 0, student_alone = 0, teacher_alone = 0;  // were right
  double share() const;
  // 95 %, by the deviation of the logarithm for pairs (Nam and Blackwelder 2002, the Wald interval); from 0 to infinity
  // where either is right nowhere.
  stats::Interval interval() const;
};
// REQUIRES: exams in the same questions.
Retention retention(const Exam& student, const Exam& teacher);

struct Cost {
  double operations = 0;
  double tokens = 0, cpu_seconds = 0;
  double exchanges = 0, prompt_tokens = 0, completion_tokens = 0;
  double inherited = 0;  // operations that made the larger model whose weights it began with, beside all the others
};
// Of a model's training.json, with those of the models that it went on from (`before`), and of the one that it was
// pruned from (`inherits`). Fails for a file that is none.
base::Result<Cost> read_cost(std::string_view json, std::string_view file);

}  // namespace stillwatch::distill
