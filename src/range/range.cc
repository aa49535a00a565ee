#include "range/range.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "distill/answers.h"
#include "training/fresh_model.h"

namespace stillwatch::range {
namespace {

using base::Result;

constexpr uint32_t kAlternatives = 8;  // log-probabilities told of each token

enum Stream : uint64_t { kQuestions = 1, kTest, kHonest, kLive, kWeights };

std::vector<problems::Problem> draw(uint64_t seed, problems::Split split, uint64_t count) {
  problems::Generator generator(seed, split);
  std::vector<problems::Problem> out;
  for (uint64_t i = 0; i < count; ++i) out.push_back(generator.next());
  return out;
}

Result<std::vector<Bought>> buy(const model::Model& teacher, const model::Transformer& transformer, uint64_t seed,
                                const Settings& settings) {
  std::vector<Bought> bought;
  std::vector<std::vector<int32_t>> prompts;
  for (problems::Problem& p : draw(seed, problems::Split::kTrain, settings.problems)) {
    prompts.push_back(model::prompt_of({{model::Role::kUser, p.question, {}}}, *teacher.marks, teacher.tokenizer));
    bought.push_back({std::move(p.question), {}, {}, {}, prompts.back().size()});
  }
  auto answers = distill::answer_all(transformer, *teacher.marks, teacher.tokenizer, prompts,
                                     {.threads = settings.threads, .logprobs = kAlternatives});
  if (!answers) return tl::unexpected(answers.error());
  for (size_t i = 0; i < bought.size(); ++i) {
    bought[i].reasoning = std::move((*answers)[i].reasoning);
    bought[i].answer = std::move((*answers)[i].content);
    bought[i].tokens = std::move((*answers)[i].tokens);
  }
  return bought;
}

// The lessons of a student: the first `count`, of which the first `whole` have what an answer has besides its text.
std::vector<Lesson> lessons_of(std::span<const Bought> bought, size_t count, size_t whole) {
  std::vector<Lesson> lessons;
  for (size_t i = 0; i < count; ++i) {
    const Bought& b = bought[i];
    Lesson lesson{{{model::Role::kUser, b.question, {}}, {model::Role::kAssistant, b.answer, {}}}, {}};
    if (i < whole) {
      lesson.conversation.back().reasoning = b.reasoning;
      lesson.tokens = b.tokens;
    }
    lessons.push_back(std::move(lesson));
  }
  return lessons;
}

}  // namespace

Result<Loop> run(const Settings& settings, Inputs inputs, const Tell& tell) {
  const auto seed_of = [&](Stream stream) { return base::combine(settings.seed, stream); };
  Loop loop;
  loop.settings = settings;
  inputs.honest.seed = seed_of(kHonest);
  inputs.live.seed = seed_of(kLive);
  inputs.student.plan.seed = seed_of(kWeights);
  std::vector<distill::Question> test;
  for (const problems::Problem& p : draw(seed_of(kTest), problems::Split::kTest, settings.test_problems))
    test.push_back(distill::question_of(p));

  const model::Transformer transformer(inputs.teacher.config, inputs.teacher.weights);
  loop.teacher_parameters = inputs.teacher.config.parameters();
  tell(fmt::format("examining the teacher on {} problems", test.size()));
  auto exam = distill::examine(transformer, *inputs.teacher.marks, inputs.teacher.tokenizer, test,
                               {.threads = settings.threads});
  if (!exam) return tl::unexpected(exam.error());
  loop.teacher = std::move(*exam);

  tell(fmt::format("answering {} problems", settings.problems));
  auto bought = buy(inputs.teacher, transformer, seed_of(kQuestions), settings);
  if (!bought) return tl::unexpected(bought.error());

  tell("calibrating on honest traffic, then watching the harvest among other honest traffic");
  auto baseline = learn_honest(inputs.honest, inputs.prompts);
  if (!baseline) return tl::unexpected(baseline.error());
  auto seen = watch(inputs.live, inputs.prompts, std::move(*baseline), *bought, settings.problems_share);
  if (!seen) return tl::unexpected(seen.error());
  loop.seen = std::move(*seen);
  const std::vector<uint64_t>& at = loop.seen.bought_at;
  bought->resize(at.size());
  for (const Bought& b : *bought) {
    loop.prompt_tokens += b.prompt_tokens;
    loop.output_tokens += b.output_tokens();
  }

  const size_t all = bought->size();
  const bool flagged = loop.seen.harvester.flagged;
  const auto flag = std::upper_bound(at.begin(), at.end(), loop.seen.harvester.flagged_after);
  const auto before = flagged ? static_cast<size_t>(flag - at.begin()) : all;
  struct Arm {
    std::string name, description;
    size_t problems, whole;
  };
  std::vector<Arm> arms{{"undefended", "learnt from all that was asked for", all, all}};
  if (flagged) {
    arms.push_back(
        {"stripped", "got answers without reasoning and log-probabilities once its account was flagged", all, before});
    arms.push_back({"refused", "got nothing more once its account was flagged", before, before});
  }
  arms.push_back({"untaught", "learnt from nothing", 0, 0});
  for (const Arm& arm : arms) {
    tell(fmt::format("training a student, {}: {} problems, {} of them with reasoning and log-probabilities", arm.name,
                     arm.problems, arm.whole));
    Student student;
    auto model = raise(inputs.student.plan,
                       training::fresh_model(inputs.student, inputs.teacher.tokenizer, *inputs.teacher.marks),
                       lessons_of(*bought, arm.problems, arm.whole), settings.threads, tell, student);
    if (!model) return tl::unexpected(model.error());
    student.name = student.losses.name = arm.name;
    student.description = arm.description;
    const model::Transformer learnt(model->config, std::move(model->weights));
    exam = distill::examine(learnt, *model->marks, model->tokenizer, test, {.threads = settings.threads});
    if (!exam) return tl::unexpected(exam.error());
    student.exam = std::move(*exam);
    loop.students.push_back(std::move(student));
  }
  return loop;
}

}  // namespace stillwatch::range
