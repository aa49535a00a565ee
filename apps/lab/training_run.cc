#include "training_run.h"

#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <map>

#ifdef STILLWATCH_TORCH
#include "accelerator/torch_network.h"
#endif
#include "files.h"
#include "lab.h"
#include "training/cpu_network.h"
#include "training/curve.h"

namespace stillwatch::apps {
namespace {

using base::ErrorCode;
using base::Result;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

class Run {
 public:
  Run(const TrainingOptions& options, const TrainingJob& job, model::Model& model)
      : options_(options), job_(job), model_(model) {}

  Result<void> train() {
    if (auto ok = make_folder(options_.out); !ok) return ok;
    auto network = make_network(options_, model_);
    if (!network) return tl::unexpected(network.error());
    auto trainer = training::Trainer::start(job_.plan, std::move(*network), *job_.examples, *job_.loss);
    if (!trainer) return tl::unexpected(trainer.error());
    if (job_.renew) trainer->set_renew(job_.renew);
    if (auto ok = resume(*trainer); !ok) return ok;
    since_ = Clock::now();
    cpu_ = cpu_seconds();
    while (!trainer->done()) {
      const auto step = trainer->step();
      if (!step) return tl::unexpected(step.error());
      tokens_ += step->tokens;
      const bool save = step->step % options_.save_every == 0 || trainer->done();
      if (step->step % options_.report_every == 0 || trainer->done()) {
        if (auto ok = report(*trainer, *step, save); !ok) return ok;
      }
      if (save) {
        if (auto ok = save_all(*trainer); !ok) return ok;
      }
    }
    model_.weights = trainer->network().weights();
    return {};
  }

 private:
  std::string path(const std::string& name) const { return options_.out + "/" + name; }

  Result<void> report(training::Trainer& trainer, const training::StepReport& step, bool save) {
    const double seconds = std::chrono::duration<double>(Clock::now() - since_).count();
    Json line{{"step", step.step},
              {"epoch", step.epoch},
              {"loss", step.loss},
              {"rate", step.rate},
              {"gradient_norm", step.gradient_norm},
              {"tokens", tokens_},
              {"seconds", seconds},
              {"cpu_seconds", cpu_seconds() - cpu_},
              {"tokens_per_second", static_cast<double>(tokens_) / seconds}};
    std::string validated;
    if (save && job_.held_out != nullptr && !job_.held_out->empty()) {
      training::CrossEntropy plain;
      const auto validation = trainer.validate(*job_.held_out, plain);
      if (!validation) return tl::unexpected(validation.error());
      line["validation_loss"] = *validation;
      validation_.points.push_back({static_cast<double>(step.step), *validation});
      validated = fmt::format("  validation {:.4f}", *validation);
    }
    losses_.points.push_back({static_cast<double>(step.step), step.loss});
    count(line);
    metrics_ += line.dump() + "\n";
    fmt::print(stderr, "step {:6} of {}  loss {:.4f}{}  {:.0f} tokens/s\n", step.step, job_.plan.steps, step.loss,
               validated, static_cast<double>(tokens_) / seconds);
    tokens_ = 0;
    since_ = Clock::now();
    cpu_ = cpu_seconds();
    return {};
  }
  template <typename Line>
  void count(const Line& line) {
    total_tokens_ += line.value("tokens", uint64_t{0});
    total_seconds_ += line.value("seconds", 0.0);
    total_cpu_seconds_ += line.value("cpu_seconds", 0.0);
  }

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
        count(line);
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
    Json about = job_.about;
    about["steps"] = trainer.steps_done();
    about["tokens"] = total_tokens_;
    about["seconds"] = total_seconds_;
    about["cpu_seconds"] = total_cpu_seconds_;
    if (auto ok = write_file(path("training.json"), [&](const Write& w) { w(about.dump(2) + "\n"); }); !ok) return ok;
    model_.weights = trainer.network().weights();
    return write_model(options_.out, model_, options_.dtype);
  }

  const TrainingOptions& options_;
  const TrainingJob& job_;
  model::Model& model_;
  std::string metrics_;
  training::Curve losses_{"training", {}}, validation_{"validation", {}};
  size_t tokens_ = 0;  // since the last report
  Clock::time_point since_;
  double cpu_ = 0;
  uint64_t total_tokens_ = 0;
  double total_seconds_ = 0, total_cpu_seconds_ = 0;
};

}  // namespace

void add_training_options(CLI::App& command, TrainingOptions& options) {
  command.add_option("--save-every", options.save_every, "Steps between states that are kept")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000'000));
  command.add_option("--report-every", options.report_every, "Steps between measurements")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000'000));
  command.add_option("--device", options.device, "native: this machine's cores; cuda, cuda:N, cpu: by libtorch")
      ->capture_default_str();
  command.add_flag("--bf16", options.bf16, "Products in bf16, by libtorch");
  add_dtype_option(command, options.dtype);
  command.add_option("--threads", options.threads, "Cores to use")->capture_default_str()->check(CLI::Range(1, 1024));
}

void add_dtype_option(CLI::App& command, model::Precision& dtype) {
  const std::map<std::string, model::Precision> names{{"f32", model::Precision::kF32},
                                                      {"bf16", model::Precision::kBf16}};
  command.add_option("--dtype", dtype, "Of the weights as written: f32 (the default), bf16")
      ->transform(CLI::CheckedTransformer(names).description("f32|bf16"));
}

Result<std::unique_ptr<training::Network>> make_network(const TrainingOptions& options, const model::Model& model) {
  if (options.device == "native") {
    if (options.bf16)
      return base::fail(ErrorCode::kUsage, "--bf16 is for devices that libtorch drives: name one by --device");
    return training::make_cpu_network(model.config, model.weights, options.threads);
  }
#ifdef STILLWATCH_TORCH
  return accelerator::make_torch_network(model.config, model.weights, {options.device, options.bf16, options.threads});
#else
  return base::fail(ErrorCode::kUsage, "this program was built without libtorch: --device native is all it has");
#endif
}

Json training_of(const std::string& folder) {
  const auto text = read_file(folder + "/training.json");
  Json told = text ? Json::parse(*text, nullptr, false) : Json();
  return told.is_object() ? told : Json();
}

Result<void> run_training(const TrainingOptions& options, const TrainingJob& job, model::Model& model) {
  return Run(options, job, model).train();
}

}  // namespace stillwatch::apps
