#include <fmt/format.h>

#include <memory>

#include "files.h"
#include "lab.h"
#include "model/folder.h"
#include "training/fresh_model.h"
#include "training_run.h"

namespace stillwatch::apps {
namespace {

using base::ErrorCode;
using base::Result;

struct Arguments {
  std::string data;
  std::string config;
  std::string from;
  std::string valid;
  std::optional<uint64_t> seed;
  std::optional<uint64_t> steps;
  TrainingOptions training;
};

Result<std::vector<model::Conversation>> read_rows(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  auto rows = model::read_dataset(*text, path);
  if (rows && rows->empty()) return base::fail(ErrorCode::kInput, path + " holds no conversations");
  return rows;
}

Result<void> train(const Arguments& a) {
  training::Recipe recipe;
  if (!a.config.empty()) {
    const auto text = read_file(a.config);
    if (!text) return tl::unexpected(text.error());
    auto parsed = training::Recipe::parse(*text, a.config);
    if (!parsed) return tl::unexpected(parsed.error());
    recipe = std::move(*parsed);
  }
  if (a.seed) recipe.plan.seed = *a.seed;
  if (a.steps) recipe.plan.steps = *a.steps;
  const auto rows = read_rows(a.data);
  if (!rows) return tl::unexpected(rows.error());
  std::optional<model::Model> model;
  if (a.from.empty()) {
    model =
        training::fresh_model(recipe, training::fit_tokenizer(*rows, recipe.vocabulary), model::ChatTemplate::own());
  } else {
    auto loaded = load_talking(a.from);
    if (!loaded) return tl::unexpected(loaded.error());
    model = std::move(*loaded);
  }
  const std::vector<model::Example> examples = model::examples_of(*rows, *model->marks, model->tokenizer);
  std::vector<model::Example> held_out;
  if (!a.valid.empty()) {
    const auto others = read_rows(a.valid);
    if (!others) return tl::unexpected(others.error());
    held_out = model::examples_of(*others, *model->marks, model->tokenizer);
  }
  size_t tokens = 0;
  for (const model::Example& e : examples) tokens += e.tokens.size();
  fmt::print(stderr, "{} parameters, {} tokens in the vocabulary; {} rows of {} tokens\n", model->config.parameters(),
             model->config.vocab_size, examples.size(), tokens);
  training::CrossEntropy loss;
  TrainingJob job{recipe.plan, &examples, &held_out, &loss, {}, {}};
  job.about = {{"method", "tokens"}, {"parameters", model->config.parameters()}};
  if (auto before = a.from.empty() ? nlohmann::ordered_json() : training_of(a.from); !before.is_null())
    job.about["before"] = before;
  return run_training(a.training, job, *model);
}

}  // namespace

void add_train(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("train", "Train a language model on conversations");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--data", a.data, "Conversations, JSON lines (docs/model.md)")->required();
  command
      ->add_option("--out", a.training.out,
                   "Folder of the model, its state and its measurements; begun training goes on")
      ->required();
  command->add_option("--config", a.config, "YAML file: shape, vocabulary, plan (docs/model.md)");
  command->add_option("--from", a.from, "Folder of a model to go on from; its shape and vocabulary count");
  command->add_option("--valid", a.valid, "Other conversations to measure the loss on");
  command->add_option("--seed", a.seed, "Overrides the configuration's seed");
  command->add_option("--steps", a.steps, "Overrides the configuration's steps")->check(CLI::Range(1, 1'000'000'000));
  add_training_options(*command, a.training);
  command->footer(
      "The same data, plan, seed and threads give the same model on the same machine, interrupted or not. Example:\n"
      "  stillwatch-lab train --data train.jsonl --config data/teacher/recipes/tables.yaml --out teacher\n\n"
      "Exit status: 0 done, 2 usage or configuration, 3 data missing or broken, 4 a file cannot be written.");
  command->callback([arguments, &status] {
    const auto done = train(*arguments);
    status = done ? kClean : complain(done.error());
  });
}

}  // namespace stillwatch::apps
