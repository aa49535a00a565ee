#include "range/course.h"

#include "base/hash.h"
#include "range/page.h"

namespace stillwatch::range {

using base::Result;

uint64_t seed_of(uint64_t seed, Stream stream) {
  return base::combine(seed, stream);
}

std::vector<problems::Problem> draw(uint64_t seed, problems::Split split, Syllabus syllabus, uint64_t count) {
  problems::Generator generator(seed, split, syllabus.level_min, syllabus.level_max);
  std::vector<problems::Problem> out;
  for (uint64_t i = 0; i < count; ++i) out.push_back(generator.next());
  return out;
}

std::vector<distill::Question> questions_of(std::span<const problems::Problem> problems) {
  std::vector<distill::Question> questions;
  questions.reserve(problems.size());
  for (const problems::Problem& p : problems) questions.push_back(distill::question_of(p));
  return questions;
}

std::vector<int32_t> prompt_of(const problems::Problem& problem, const model::Model& teacher) {
  return model::prompt_of({{model::Role::kUser, problem.question, {}}}, *teacher.marks, teacher.tokenizer);
}

Prompts prompts_of(std::span<const problems::Problem> problems, const model::Model& teacher) {
  Prompts prompts;
  prompts.reserve(problems.size());
  for (const problems::Problem& p : problems) prompts.push_back(prompt_of(p, teacher));
  return prompts;
}

Lesson lesson_of(const problems::Problem& problem, const distill::Answer& answer, Given given) {
  Lesson lesson = solution_of(problem);
  model::Message& said = lesson.conversation.back();
  said.content = answer.content;
  said.reasoning = given == Given::kAnswer ? "" : answer.reasoning;
  if (given == Given::kAll) lesson.tokens = answer.tokens;
  return lesson;
}

Lesson solution_of(const problems::Problem& problem) {
  return {{{model::Role::kUser, problem.question, {}}, {model::Role::kAssistant, problem.answer, problem.reasoning}},
          {}};
}

Result<Learnt> learn(const training::Plan& plan, model::Model base, std::span<const Lesson> lessons,
                     const std::vector<distill::Question>& test, unsigned threads, const Tell& tell) {
  Student student;
  auto model = raise(plan, std::move(base), lessons, threads, tell, student);
  if (!model) return tl::unexpected(model.error());
  model::Transformer learnt(model->config, std::move(model->weights));
  auto exam = distill::examine(learnt, *model->marks, model->tokenizer, test, {.threads = threads});
  if (!exam) return tl::unexpected(exam.error());
  student.exam = std::move(*exam);
  return Learnt{std::move(student), std::move(learnt)};
}

Json to_json(const Student& student) {
  return {{"problems", student.problems},
          {"whole", student.whole},
          {"parameters", student.parameters},
          {"training_tokens", student.training_tokens},
          {"loss", student.losses.points.empty() ? Json() : Json(student.losses.points.back().loss)},
          {"exam", tally_json(student.exam.all)}};
}

}  // namespace stillwatch::range
