#include "range/student.h"

#include <fmt/format.h>

#include <algorithm>

#include "range/course.h"
#include "training/cpu_network.h"
#include "training/fresh_model.h"

namespace stillwatch::range {
namespace {

using base::Result;

constexpr uint64_t kReportEvery = 100;      // steps
constexpr uint64_t kBaseProblems = 20'000;  // of one operation; there are some ten thousand different ones

// What the teacher held probable at each token of an example that ends in an answer of its own. Nothing where its
// tokens are not those of its text, cut anew.
distill::KnownTokens known_of(const model::Example& example, std::span<const model::Choice> answer) {
  distill::KnownTokens known(example.tokens.size());
  if (answer.size() > example.tokens.size()) return known;
  const size_t begin = example.tokens.size() - answer.size();
  for (size_t i = 0; i < answer.size(); ++i) {
    if (answer[i].token != example.tokens[begin + i]) return distill::KnownTokens(example.tokens.size());
    distill::TopTokens& top = known[begin + i];
    top = answer[i].alternatives;
    const auto chosen = [&](const auto& t) { return t.first == answer[i].token; };
    if (std::none_of(top.begin(), top.end(), chosen)) top.emplace_back(answer[i].token, answer[i].logprob);
    for (auto& [token, logprob] : top) logprob = std::min(logprob, 0.0F);
  }
  return known;
}

}  // namespace

Result<Taught> teach(const training::Plan& plan, model::Model& model, std::span<const model::Example> examples,
                     const std::vector<distill::KnownTokens>& known, unsigned threads, const Tell& tell) {
  auto network = training::make_cpu_network(model.config, model.weights, threads);
  if (!network) return tl::unexpected(network.error());
  distill::TopLoss loss(known, {});
  auto trainer = training::Trainer::start(plan, std::move(*network), examples, loss);
  if (!trainer) return tl::unexpected(trainer.error());
  Taught taught;
  while (!trainer->done()) {
    const auto step = trainer->step();
    if (!step) return tl::unexpected(step.error());
    taught.tokens += step->tokens;
    taught.losses.points.push_back({static_cast<double>(step->step), step->loss});
    if (step->step % kReportEvery == 0 || trainer->done())
      tell(fmt::format("  step {} of {}, loss {:.3f}", step->step, plan.steps, step->loss));
  }
  model.weights = trainer->network().weights();
  return taught;
}

Result<model::Model> raise(const training::Plan& plan, model::Model model, std::span<const Lesson> lessons,
                           unsigned threads, const Tell& tell, Student& student) {
  student.parameters = model.config.parameters();
  student.problems = lessons.size();
  std::vector<model::Example> examples;
  std::vector<distill::KnownTokens> known;
  for (const Lesson& lesson : lessons) {
    examples.push_back(model::example_of(lesson.conversation, *model.marks, model.tokenizer));
    known.push_back(known_of(examples.back(), lesson.tokens));
    student.whole += !lesson.tokens.empty();
  }
  if (!examples.empty()) {
    auto taught = teach(plan, model, examples, known, threads, tell);
    if (!taught) return tl::unexpected(taught.error());
    student.training_tokens = taught->tokens;
    student.losses = std::move(taught->losses);
  }
  student.flop = 6.0 * static_cast<double>(student.parameters) * static_cast<double>(student.training_tokens);
  return model;
}

Result<model::Model> make_base(const training::Recipe& recipe, const model::Model& teacher, unsigned threads,
                               const Tell& tell) {
  std::vector<Lesson> lessons;
  for (const problems::Problem& p : draw(recipe.plan.seed, problems::Split::kTrain, {1, 1}, kBaseProblems))
    lessons.push_back(solution_of(p));
  Student base;
  return raise(recipe.plan, training::fresh_model(recipe, teacher.tokenizer, *teacher.marks), lessons, threads, tell,
               base);
}

}  // namespace stillwatch::range
