#include <fmt/format.h>

#include <memory>
#include <optional>

#include "base/hash.h"
#include "distill/harvested.h"
#include "distill/on_policy.h"
#include "files.h"
#include "lab.h"
#include "training/fresh_model.h"
#include "training_run.h"

namespace stillwatch::apps {
namespace {

using base::ErrorCode;
using base::Result;
using distill::Divergence;

struct Arguments {
  std::string student;
  std::string config;
  std::string data;
  std::string teacher;
  std::string tokenizer;
  std::string valid;
  std::string loss = "tokens";
  double beta = 0.5;
  double temperature = 1;
  double data_weight = 0;
  distill::OnPolicySettings on_policy{.share = 0};
  std::optional<uint64_t> seed;
  std::optional<uint64_t> steps;
  TrainingOptions training;
};

// What can be said of the arguments alone.
Result<void> check(const Arguments& a) {
  const auto wrong = [](std::string what) { return base::fail(ErrorCode::kUsage, std::move(what)); };
  const bool tokens = a.loss == "tokens";
  if (tokens && a.on_policy.share > 0)
    return wrong("--on-policy needs a teacher's distributions: name a --loss other than tokens, and a --teacher");
  if (tokens && a.data_weight > 0)
    return wrong("--data-weight blends with a divergence: name a --loss other than tokens");
  if (!tokens && a.teacher.empty() && a.temperature != 1) {
    return wrong(
        "--temperature needs the teacher's whole distributions: what lies behind its most probable tokens at "
        "another temperature cannot be told. Leave it at 1, or name a --teacher in this process");
  }
  if (a.teacher.empty() && a.on_policy.share > 0)
    return wrong("--on-policy needs a --teacher to judge the student's own answers");
  if (a.loss == "jsd" && (a.beta <= 0 || a.beta >= 1))
    return wrong("--beta lies strictly between 0 (towards forward-kl) and 1 (towards reverse-kl)");
  return {};
}

Result<training::Recipe> recipe_of(const Arguments& a) {
  training::Recipe recipe;
  const std::string& path = a.config.empty() && a.student.ends_with(".yaml") ? a.student : a.config;
  if (!path.empty()) {
    const auto text = read_file(path);
    if (!text) return tl::unexpected(text.error());
    auto parsed = training::Recipe::parse(*text, path);
    if (!parsed) return parsed;
    recipe = std::move(*parsed);
  }
  if (a.seed) recipe.plan.seed = *a.seed;
  if (a.steps) recipe.plan.steps = *a.steps;
  return recipe;
}

// A folder's model, or a new one of the recipe's shape, with the tokenizer that it is to share if there is any.
Result<model::Model> student_of(const Arguments& a, const training::Recipe& recipe, const std::string& data,
                                const std::optional<model::Model>& teacher) {
  if (!a.student.ends_with(".yaml")) return load_talking(a.student);
  if (!a.tokenizer.empty()) {
    auto source = load_talking(a.tokenizer);
    if (!source) return source;
    return training::fresh_model(recipe, std::move(source->tokenizer), *source->marks);
  }
  if (teacher) return training::fresh_model(recipe, teacher->tokenizer, *teacher->marks);
  const auto rows = model::read_dataset(data, a.data);
  if (!rows) return tl::unexpected(rows.error());
  return training::fresh_model(recipe, training::fit_tokenizer(*rows, recipe.vocabulary), model::ChatTemplate::own());
}

// Distributions can be compared only over the same tokens, in conversations that are written down the same way.
Result<void> check_kin(const model::Model& student, const model::Model& teacher) {
  if (student.tokenizer.fingerprint() != teacher.tokenizer.fingerprint()) {
    return base::fail(
        ErrorCode::kInput,
        "the student's tokenizer is not the teacher's, so their distributions are over different tokens and "
        "no divergence between them means anything. Give the student the teacher's (--tokenizer), or "
        "learn from the teacher's texts alone (--loss tokens)");
  }
  if (!(*student.marks == *teacher.marks))
    return base::fail(ErrorCode::kInput,
                      "student and teacher write conversations with different marks: the teacher would "
                      "judge texts of a form that it never saw");
  if (student.config.context > teacher.config.context) {
    return base::fail(ErrorCode::kInput,
                      fmt::format("the student's context of {} tokens is longer than the teacher's {}: lower `context`",
                                  student.config.context, teacher.config.context));
  }
  return {};
}

Result<void> distil(const Arguments& a) {
  if (auto ok = check(a); !ok) return ok;
  auto recipe = recipe_of(a);
  if (!recipe) return tl::unexpected(recipe.error());
  const auto data = read_file(a.data);
  if (!data) return tl::unexpected(data.error());
  std::optional<model::Model> teacher;
  if (!a.teacher.empty()) {
    auto loaded = load_talking(a.teacher);
    if (!loaded) return tl::unexpected(loaded.error());
    teacher = std::move(*loaded);
  }
  auto student = student_of(a, *recipe, *data, teacher);
  if (!student) return tl::unexpected(student.error());
  if (teacher && a.loss != "tokens") {
    if (auto ok = check_kin(*student, *teacher); !ok) return ok;
  }
  const bool known = a.loss != "tokens" && !teacher;
  const auto harvested = distill::read_harvested(*data, a.data, *student->marks, student->tokenizer, known);
  if (!harvested) return tl::unexpected(harvested.error());
  std::vector<model::Example> held_out;
  if (!a.valid.empty()) {
    const auto text = read_file(a.valid);
    if (!text) return tl::unexpected(text.error());
    auto rows = distill::read_harvested(*text, a.valid, *student->marks, student->tokenizer, false);
    if (!rows) return tl::unexpected(rows.error());
    held_out = std::move(rows->examples);
  }
  if (harvested->stray > 0)
    fmt::print(stderr, "{} rows were left out: their tokens are not the student's\n", harvested->stray);

  distill::Blend blend{{Divergence::Kind::kForwardKl, a.beta, a.temperature}, a.data_weight};
  if (a.loss == "reverse-kl") blend.divergence.kind = Divergence::Kind::kReverseKl;
  if (a.loss == "jsd") blend.divergence.kind = Divergence::Kind::kJsd;
  std::unique_ptr<training::Network> judge;
  std::unique_ptr<training::Loss> loss;
  if (a.loss == "tokens") {
    loss = std::make_unique<training::CrossEntropy>();
  } else if (teacher) {
    auto network = make_network(a.training, *teacher);
    if (!network) return tl::unexpected(network.error());
    judge = std::move(*network);
    loss = std::make_unique<distill::LogitLoss>(*judge, blend);
  } else {
    loss = std::make_unique<distill::TopLoss>(harvested->known, blend);
  }

  distill::OnPolicySettings own = a.on_policy;
  own.seed = recipe->plan.seed;
  own.threads = a.training.threads;
  distill::OnPolicy on_policy(own, *student->marks, student->tokenizer, harvested->examples);
  TrainingJob job{recipe->plan, &harvested->examples, &held_out, loss.get(), {}, {}};
  if (own.share > 0) {
    job.renew = [&](uint64_t step, std::span<const uint64_t> rows, training::Network& network) {
      return on_policy.renew(step, rows, network);
    };
  }
  job.about = {{"method", a.loss},
               {"parameters", student->config.parameters()},
               {"data", fmt::format("{:016x}", base::hash64(*data))},
               {"rows", harvested->examples.size()},
               {"exchanges", harvested->bought.exchanges},
               {"prompt_tokens", harvested->bought.prompt_tokens},
               {"completion_tokens", harvested->bought.completion_tokens}};
  if (auto before = training_of(a.student); !before.is_null()) job.about["before"] = before;
  if (blend.data_weight > 0) job.about["data_weight"] = blend.data_weight;
  if (a.loss == "jsd") job.about["beta"] = a.beta;
  if (a.temperature != 1) job.about["temperature"] = a.temperature;
  if (own.share > 0) job.about["on_policy"] = own.share;
  if (judge) job.about["teacher_parameters"] = teacher->config.parameters();
  size_t tokens = 0;
  for (const model::Example& e : harvested->examples) tokens += e.tokens.size();
  fmt::print(stderr, "{} parameters, {} tokens in the vocabulary; {} rows of {} tokens\n", student->config.parameters(),
             student->config.vocab_size, harvested->examples.size(), tokens);
  return run_training(a.training, job, *student);
}

}  // namespace

void add_distill_train(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("train", "Train a student on what a teacher answered");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command
      ->add_option("--student", a.student,
                   "A recipe (FILE.yaml: shape, vocabulary, plan) for a new model, or the folder of one to go on from")
      ->required();
  command->add_option("--config", a.config, "A recipe whose plan counts, where --student is a folder");
  command->add_option("--data", a.data, "The dataset, as `distill harvest` writes it; any conversations serve")
      ->required();
  command->add_option("--out", a.training.out, "Folder of the student, its state and its measurements")->required();
  command->add_option("--teacher", a.teacher, "Folder of a teacher that judges in this process, by all its logits");
  command->add_option("--tokenizer", a.tokenizer,
                      "Folder of a model whose tokenizer a new student gets (default: the\n"
                      "teacher's, else one made of the data)");
  command
      ->add_option(
          "--loss", a.loss,
          "tokens: the data's own (sequence-level); forward-kl, reverse-kl, jsd: the teacher's distributions,\n"
          "from --teacher or, without one, from the dataset's log-probabilities")
      ->capture_default_str()
      ->check(CLI::IsMember({"tokens", "forward-kl", "reverse-kl", "jsd"}));
  command->add_option("--beta", a.beta, "Of jsd")->capture_default_str()->check(CLI::Range(0.0, 1.0));
  command->add_option("--temperature", a.temperature, "Of both distributions")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 100.0));
  command->add_option("--data-weight", a.data_weight, "Share of the data's own tokens in the loss")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command
      ->add_option("--on-policy", a.on_policy.share,
                   "Share of steps that learn from the student's own answers (lambda)")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--on-policy-temperature", a.on_policy.temperature, "Of drawing them")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 10.0));
  command->add_option("--answer-tokens", a.on_policy.tokens_max, "At most, of one of them")->capture_default_str();
  command->add_option("--valid", a.valid, "Other conversations to measure the loss on");
  command->add_option("--seed", a.seed, "Overrides the recipe's seed");
  command->add_option("--steps", a.steps, "Overrides the recipe's steps")->check(CLI::Range(1, 1'000'000'000));
  add_training_options(*command, a.training);
  command->footer(
      "The same data, plan, seed and threads give the same student on the same machine, interrupted or not. Examples:\n"
      "  stillwatch-lab distill train --student student.yaml --data harvest.jsonl --out student\n"
      "  stillwatch-lab distill train --student student.yaml --data harvest.jsonl --teacher data/teacher --loss jsd "
      "\\\n"
      "      --on-policy 0.5 --out student\n\n"
      "Exit status: 0 done, 2 usage or configuration, 3 data missing, broken or of no use to this student, 4 a file\n"
      "cannot be written.");
  command->callback([arguments, &status] {
    const auto done = distil(*arguments);
    status = done ? kClean : complain(done.error());
  });
}

}  // namespace stillwatch::apps
