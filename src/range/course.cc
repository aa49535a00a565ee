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

std::vector<int32_t> prompt_of(const problems::Problem& problem, const model::Model& teacher) {
  return model::prompt_of({{model::Role::kUser, problem.question, {}}}, *teacher.marks, teacher.tokenizer);
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

Result<Learnt> learn(const training::Plan& plan, const model::Model& base, std::span<const Lesson> lessons,
                     std::span<const problems::Problem> test, unsigned threads, const Tell& tell) {
  Student student;
  auto model = raise(plan, base, lessons, threads, tell, student);
  if (!model) return tl::unexpected(model.error());
  model::Transformer learnt(model->config, std::move(model->weights));
  std::vector<distill::Question> questions;
  for (const problems::Problem& p : test) questions.push_back(distill::question_of(p));
  auto exam = distill::examine(learnt, *model->marks, model->tokenizer, questions, {.threads = threads});
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
