#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#ifdef STILLWATCH_TORCH
#include "accelerator/torch_network.h"
#endif
#include "files.h"
#include "lab.h"
#include "model/bpe_trainer.h"
#include "model/folder.h"
#include "training/cpu_network.h"
#include "training/curve.h"
#include "training/recipe.h"

namespace stillwatch::apps {
namespace {

using base::ErrorCode;
using base::Result;
using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string data;
  std::string config;
  std::string from;
  std::string valid;
  std::string out;
  std::string device = "native";
  bool bf16 = false;
  std::optional<uint64_t> seed;
  std::optional<uint64_t> steps;
  uint64_t save_every = 500;
  uint64_t report_every = 20;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
};

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

Result<std::vector<model::Conversation>> read_rows(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  auto rows = model::read_dataset(*text, path);
  if (rows && rows->empty()) return base::fail(ErrorCode::kInput, path + " holds no conversations");
  return rows;
}

// A tokenizer of these texts, and a shape for it.
model::Model new_model(const training::Recipe& recipe, const std::vector<model::Conversation>& rows) {
  model::BpeTrainer trainer;
  for (const model::Conversation& row : rows) {
    for (const model::Message& m : row) {
      trainer.add(m.reasoning);
      trainer.add(m.content);
    }
  }
  model::Tokenizer tokenizer = trainer.train(static_cast<size_t>(recipe.vocabulary), model::ChatTemplate::own_marks());
  model::Config config = recipe.shape;
  config.vocab_size = static_cast<int64_t>(tokenizer.size());
  const model::ChatTemplate& marks = model::ChatTemplate::own();
  config.eos = {tokenizer.find_special(marks.end)};
  model::Weights weights = training::initial_weights(config, recipe.plan.seed);
  return {std::move(config), std::move(weights), std::move(tokenizer), marks};
}

std::vector<model::Example> examples_of(const std::vector<model::Conversation>& rows, const model::Model& m) {
  std::vector<model::Example> out;
  out.reserve(rows.size());
  for (const model::Conversation& row : rows) out.push_back(model::example_of(row, *m.marks, m.tokenizer));
  return out;
}

Result<std::unique_ptr<training::Network>> make_network(const Arguments& a, const model::Model& m) {
  if (a.device == "native") {
    if (a.bf16)
      return base::fail(ErrorCode::kUsage, "--bf16 is for devices that libtorch drives: name one by --device");
    return training::make_cpu_network(m.config, m.weights, a.threads);
  }
#ifdef STILLWATCH_TORCH
  return accelerator::make_torch_network(m.config, m.weights, {a.device, a.bf16, a.threads});
#else
  return base::fail(ErrorCode::kUsage, "this program was built without libtorch: --device native is all it has");
#endif
}

class Run {
 public:
  Run(const Arguments& a, model::Model model) : a_(a), model_(std::move(model)) {}

  Result<void> train(const training::Plan& plan, const std::vector<model::Example>& examples,
                     const std::vector<model::Example>& held_out) {
    auto network = make_network(a_, model_);
    if (!network) return tl::unexpected(network.error());
    training::CrossEntropy loss;
    auto trainer = training::Trainer::start(plan, std::move(*network), examples, loss);
    if (!trainer) return tl::unexpected(trainer.error());
    if (auto ok = resume(*trainer); !ok) return ok;
    size_t tokens = 0;
    auto since = Clock::now();
    double cpu = cpu_seconds();
    while (!trainer->done()) {
      const auto step = trainer->step();
      if (!step) return tl::unexpected(step.error());
      tokens += step->tokens;
      const bool last = trainer->done();
      const bool report = step->step % a_.report_every == 0 || last;
      const bool save = step->step % a_.save_every == 0 || last;
      if (report) {
        const double seconds = std::chrono::duration<double>(Clock::now() - since).count();
        nlohmann::ordered_json line{{"step", step->step},
                                    {"epoch", step->epoch},
                                    {"loss", step->loss},
                                    {"rate", step->rate},
                                    {"gradient_norm", step->gradient_norm},
                                    {"tokens", tokens},
                                    {"seconds", seconds},
                                    {"cpu_seconds", cpu_seconds() - cpu},
                                    {"tokens_per_second", static_cast<double>(tokens) / seconds}};
        if (save && !held_out.empty()) {
          training::CrossEntropy plain;
          const auto validation = trainer->validate(held_out, plain);
          if (!validation) return tl::unexpected(validation.error());
          line["validation_loss"] = *validation;
          validation_.points.push_back({static_cast<double>(step->step), *validation});
        }
        losses_.points.push_back({static_cast<double>(step->step), step->loss});
        metrics_ += line.dump() + "\n";
        fmt::print(
            stderr, "step {:6} of {}  loss {:.4f}{}  {:.0f} tokens/s\n", step->step, plan.steps, step->loss,
            line.contains("validation_loss") ? fmt::format("  validation {:.4f}", validation_.points.back().loss) : "",
            static_cast<double>(tokens) / seconds);
        tokens = 0;
        since = Clock::now();
        cpu = cpu_seconds();
      }
      if (save) {
        if (auto ok = save_all(*trainer); !ok) return ok;
      }
    }
    return {};
  }

 private:
  std::string path(const std::string& name) const { return a_.out + "/" + name; }

  Result<void> resume(training::Trainer& trainer) {
    if (!std::filesystem::exists(path("state.safetensors"))) return {};
    const auto state = read_file(path("state.safetensors"));
    if (!state) return tl::unexpected(state.error());
    if (auto ok = trainer.load_state(*state, path("state.safetensors")); !ok) return ok;
    // Measurements behind the state are made again.
    const auto text = read_file(path("metrics.jsonl"));
    for (size_t at = 0; text && at < text->size();) {
      const size_t end = std::min(text->find('\n', at), text->size());
      const auto line = nlohmann::json::parse(text->substr(at, end - at), nullptr, false);
      if (line.is_object() && line.value("step", uint64_t{0}) <= trainer.steps_done()) {
        metrics_ += text->substr(at, end - at) + "\n";
        losses_.points.push_back({line.value("step", 0.0), line.value("loss", 0.0)});
        if (line.contains("validation_loss"))
          validation_.points.push_back({line.value("step", 0.0), line.value("validation_loss", 0.0)});
      }
      at = end + 1;
    }
    fmt::print(stderr, "going on behind step {}\n", trainer.steps_done());
    return {};
  }

  // Each file is whole or the one before; the state comes first, since it is what nothing else can bring back.
  Result<void> save_all(training::Trainer& trainer) {
    if (auto ok = write_file(path("state.safetensors"), [&](const Write& w) { trainer.save_state(w); }); !ok) return ok;
    if (auto ok = write_file(path("metrics.jsonl"), [&](const Write& w) { w(metrics_); }); !ok) return ok;
    std::vector<training::Curve> curves{losses_};
    if (!validation_.points.empty()) curves.push_back(validation_);
    const std::string svg = training::curves_svg("Loss, nats a token", curves);
    if (auto ok = write_file(path("loss.svg"), [&](const Write& w) { w(svg); }); !ok) return ok;
    model_.weights = trainer.network().weights();
    return model::save_model(model_, model::Precision::kF32, [&](const std::string& name, const auto& produce) {
      return write_file(path(name), produce);
    });
  }

  const Arguments& a_;
  model::Model model_;
  std::string metrics_;
  training::Curve losses_{"training", {}}, validation_{"validation", {}};
};

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
    model = new_model(recipe, *rows);
  } else {
    auto loaded = model::load_model(a.from);
    if (!loaded) return tl::unexpected(loaded.error());
    if (!loaded->marks)
      return base::fail(ErrorCode::kInput, a.from + " knows no conversations: its tokenizer has no marks for turns");
    model = std::move(*loaded);
  }
  const std::vector<model::Example> examples = examples_of(*rows, *model);
  std::vector<model::Example> held_out;
  if (!a.valid.empty()) {
    const auto others = read_rows(a.valid);
    if (!others) return tl::unexpected(others.error());
    held_out = examples_of(*others, *model);
  }
  std::error_code error;
  std::filesystem::create_directories(a.out, error);
  if (error) return base::fail(ErrorCode::kInternal, fmt::format("{}: cannot be made: {}", a.out, error.message()));
  size_t tokens = 0;
  for (const model::Example& e : examples) tokens += e.tokens.size();
  fmt::print(stderr, "{} parameters, {} tokens in the vocabulary; {} rows of {} tokens\n", model->config.parameters(),
             model->config.vocab_size, examples.size(), tokens);
  return Run(a, std::move(*model)).train(recipe.plan, examples, held_out);
}

}  // namespace

void add_train(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("train", "Train a language model on conversations");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--data", a.data, "Conversations, JSON lines (docs/model.md)")->required();
  command->add_option("--out", a.out, "Folder of the model, its state and its measurements; begun training goes on")
      ->required();
  command->add_option("--config", a.config, "YAML file: shape, vocabulary, plan (docs/model.md)");
  command->add_option("--from", a.from, "Folder of a model to go on from; its shape and vocabulary count");
  command->add_option("--valid", a.valid, "Other conversations to measure the loss on");
  command->add_option("--seed", a.seed, "Overrides the configuration's seed");
  command->add_option("--steps", a.steps, "Overrides the configuration's steps")->check(CLI::Range(1, 1'000'000'000));
  command->add_option("--save-every", a.save_every, "Steps between states that are kept")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000'000));
  command->add_option("--report-every", a.report_every, "Steps between measurements")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000'000));
  command->add_option("--device", a.device, "native: this machine's cores; cuda, cuda:N, cpu: by libtorch")
      ->capture_default_str();
  command->add_flag("--bf16", a.bf16, "Products in bf16, by libtorch");
  command->add_option("--threads", a.threads, "Cores to use")->capture_default_str()->check(CLI::Range(1, 1024));
  command->footer(
      "The same data, plan, seed and threads give the same model on the same machine, interrupted or not. Example:\n"
      "  stillwatch-lab train --data train.jsonl --config data/teacher/train.yaml --out teacher\n\n"
      "Exit status: 0 done, 2 usage or configuration, 3 data missing or broken, 4 a file cannot be written.");
  command->callback([arguments, &status] {
    const auto done = train(*arguments);
    status = done ? kClean : complain(done.error());
  });
}

}  // namespace stillwatch::apps
