// What the loop and the trials have in common: problems of a seed, answers made lessons, a student that learnt them and
// was examined. Private to the module. Thread rule: pure functions.
#pragma once

#include "distill/answers.h"
#include "model/transformer.h"
#include "problems/problem.h"
#include "range/arms.h"
#include "range/ledger.h"
#include "range/serving.h"
#include "range/student.h"

namespace stillwatch::range {

constexpr uint32_t kAlternatives = 8;  // log-probabilities told of each token

// What is drawn from a seed.
enum Stream : uint64_t { kQuestions = 1, kTest, kHonest, kLive, kOrder, kAnswers, kOwn, kSaid, kProxy };
uint64_t seed_of(uint64_t seed, Stream stream);

// Problems of these levels.
struct Syllabus {
  int level_min = 1, level_max = problems::kLevelMax;
};
std::vector<problems::Problem> draw(uint64_t seed, problems::Split split, Syllabus syllabus, uint64_t count);

std::vector<distill::Question> questions_of(std::span<const problems::Problem> problems);
std::vector<int32_t> prompt_of(const problems::Problem& problem, const model::Model& teacher);
Prompts prompts_of(std::span<const problems::Problem> problems, const model::Model& teacher);
Lesson lesson_of(const problems::Problem& problem, const distill::Answer& answer, Given given);
Lesson solution_of(const problems::Problem& problem);  // the generator's own

struct Learnt {
  Student student;  // examined
  model::Transformer model;
};
// REQUIRES: `base` has marks.
base::Result<Learnt> learn(const training::Plan& plan, model::Model base, std::span<const Lesson> lessons,
                           const std::vector<distill::Question>& test, unsigned threads, const Tell& tell);

Json to_json(const Student& student);  // what it had, took and can

}  // namespace stillwatch::range
