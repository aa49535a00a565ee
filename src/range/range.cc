#include "range/range.h"

#include <fmt/format.h>

#include <algorithm>

#include "range/course.h"

namespace stillwatch::range {
namespace {

using base::Result;

Result<std::vector<Bought>> buy(const model::Model& teacher, const model::Transformer& transformer, uint64_t seed,
                                const Settings& settings) {
  std::vector<Bought> bought;
  Prompts prompts;
  for (problems::Problem& p : draw(seed, problems::Split::kTrain, {}, settings.problems)) {
    prompts.push_back(prompt_of(p, teacher));
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

Result<Loop> run(const Settings& settings, Inputs inputs, const model::Model& base, const Tell& tell) {
  const auto seed = [&](Stream stream) { return seed_of(settings.seed, stream); };
  Loop loop;
  loop.settings = settings;
  inputs.honest.seed = seed(kHonest);
  inputs.live.seed = seed(kLive);
  inputs.student.seed = seed(kOrder);
  const auto test = questions_of(draw(seed(kTest), problems::Split::kTest, {}, settings.test_problems));

  const model::Transformer transformer(inputs.teacher.config, inputs.teacher.weights);
  loop.teacher_parameters = inputs.teacher.config.parameters();
  tell(fmt::format("examining the teacher on {} problems", test.size()));
  auto exam = distill::examine(transformer, *inputs.teacher.marks, inputs.teacher.tokenizer, test,
                               {.threads = settings.threads});
  if (!exam) return tl::unexpected(exam.error());
  loop.teacher = std::move(*exam);

  tell(fmt::format("answering {} problems", settings.problems));
  auto bought = buy(inputs.teacher, transformer, seed(kQuestions), settings);
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
  struct Lot {
    std::string name, description;
    size_t problems, whole;
  };
  std::vector<Lot> lots{{"undefended", "learnt from all that was asked for", all, all}};
  if (flagged) {
    lots.push_back(
        {"stripped", "got answers without reasoning and log-probabilities once its account was flagged", all, before});
    lots.push_back({"refused", "got nothing more once its account was flagged", before, before});
  }
  lots.push_back({"untaught", "learnt from nothing: the base itself", 0, 0});
  for (const Lot& lot : lots) {
    tell(fmt::format("training a student, {}: {} problems, {} of them with reasoning and log-probabilities", lot.name,
                     lot.problems, lot.whole));
    auto learnt =
        learn(inputs.student, base, lessons_of(*bought, lot.problems, lot.whole), test, settings.threads, tell);
    if (!learnt) return tl::unexpected(learnt.error());
    Student& student = loop.students.emplace_back(std::move(learnt->student));
    student.name = student.losses.name = lot.name;
    student.description = lot.description;
  }
  return loop;
}

}  // namespace stillwatch::range
