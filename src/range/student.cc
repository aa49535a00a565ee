#include "range/student.h"

#include <fmt/format.h>

#include "training/cpu_network.h"
#include "training/fresh_model.h"

namespace stillwatch::range {
namespace {

using base::Result;

constexpr uint64_t kReportEvery = 100;  // steps

Result<void> train(const training::Recipe& recipe, std::span<const model::Example> examples, unsigned threads,
                   const Tell& tell, model::Model& model, Student& student) {
  auto network = training::make_cpu_network(model.config, model.weights, threads);
  if (!network) return tl::unexpected(network.error());
  training::CrossEntropy loss;
  auto trainer = training::Trainer::start(recipe.plan, std::move(*network), examples, loss);
  if (!trainer) return tl::unexpected(trainer.error());
  while (!trainer->done()) {
    const auto step = trainer->step();
    if (!step) return tl::unexpected(step.error());
    student.training_tokens += step->tokens;
    student.losses.points.push_back({static_cast<double>(step->step), step->loss});
    if (step->step % kReportEvery == 0 || trainer->done())
      tell(fmt::format("  step {} of {}, loss {:.3f}", step->step, recipe.plan.steps, step->loss));
  }
  model.weights = trainer->network().weights();
  return {};
}

}  // namespace

Result<Student> raise(const training::Recipe& recipe, const model::Model& teacher,
                      std::span<const model::Conversation> rows, const std::vector<distill::Question>& test,
                      unsigned threads, const Tell& tell) {
  model::Model model = training::fresh_model(recipe, teacher.tokenizer, *teacher.marks);
  Student student;
  student.parameters = model.config.parameters();
  student.problems = rows.size();
  std::vector<model::Example> examples;
  for (const model::Conversation& row : rows) {
    examples.push_back(model::example_of(row, *model.marks, model.tokenizer));
    student.with_reasoning += !row.back().reasoning.empty();
  }
  if (!examples.empty()) {
    if (auto ok = train(recipe, examples, threads, tell, model, student); !ok) return tl::unexpected(ok.error());
  }
  student.flop = 6.0 * static_cast<double>(student.parameters) * static_cast<double>(student.training_tokens);
  const model::Transformer transformer(model.config, std::move(model.weights));
  auto exam = distill::examine(transformer, *model.marks, model.tokenizer, test, {.threads = threads});
  if (!exam) return tl::unexpected(exam.error());
  student.exam = std::move(*exam);
  return student;
}

}  // namespace stillwatch::range
