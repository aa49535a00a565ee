#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "distill/prune.h"
#include "files.h"
#include "lab.h"
#include "training_run.h"

namespace stillwatch::apps {
namespace {

using base::Result;
using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string teacher, data, out;
  distill::PrunedShape shape;
  uint64_t rows = 64;
  model::Precision dtype = model::Precision::kF32;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
};

Result<void> run(const Arguments& a) {
  auto loaded = load_talking(a.teacher);
  if (!loaded) return tl::unexpected(loaded.error());
  model::Model& m = *loaded;
  const auto text = read_file(a.data);
  if (!text) return tl::unexpected(text.error());
  auto rows = model::read_dataset(*text, a.data);
  if (!rows) return tl::unexpected(rows.error());
  rows->resize(std::min<size_t>(rows->size(), a.rows));
  const std::vector<model::Example> calibration = model::examples_of(*rows, *m.marks, m.tokenizer);

  const auto begin = Clock::now();
  const std::clock_t cpu = std::clock();
  auto pruned = distill::prune(m.config, m.weights, a.shape, calibration, a.threads);
  if (!pruned) return tl::unexpected(pruned.error());
  nlohmann::ordered_json about{{"method", "prune"},
                               {"parameters", pruned->config.parameters()},
                               {"layers", pruned->layers},
                               {"rows", calibration.size()},
                               {"loss_before", pruned->loss_before},
                               {"loss_after", pruned->loss_after},
                               {"tokens", pruned->tokens},
                               {"operations", pruned->operations},
                               {"seconds", std::chrono::duration<double>(Clock::now() - begin).count()},
                               {"cpu_seconds", static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC}};
  if (auto its = training_of(a.teacher); !its.is_null()) about["inherits"] = its;
  fmt::print(stderr, "{} of {} parameters stay, layers {}; loss of the calibration {:.4f}, was {:.4f}\n",
             pruned->config.parameters(), m.config.parameters(), about["layers"].dump(), pruned->loss_after,
             pruned->loss_before);
  m.config = pruned->config;
  m.weights = std::move(pruned->weights);

  if (auto ok = make_folder(a.out); !ok) return ok;
  if (auto ok = write_file(a.out + "/training.json", [&](const Write& w) { w(about.dump(2) + "\n"); }); !ok) return ok;
  return write_model(a.out, m, a.dtype);
}

}  // namespace

void add_distill_prune(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("prune", "Make a smaller model of what matters most in a larger one");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--teacher", a.teacher, "Folder of the larger model")->required();
  command->add_option("--data", a.data, "Conversations that tell what matters, as for `train`")->required();
  command->add_option("--rows", a.rows, "Of these, the first")->capture_default_str()->check(CLI::Range(1, 1'000'000));
  const auto size = [&](const char* name, int64_t& value, const char* help) {
    command->add_option(name, value, help)->check(CLI::Range(int64_t{1}, model::kDimMax));
  };
  size("--layers", a.shape.layers, "Layers to keep (default, here and below: all)");
  size("--heads", a.shape.heads, "Heads to keep in each layer, a multiple of the heads of keys and values");
  size("--ffn", a.shape.ffn_dim, "Feed-forward units to keep in each layer");
  size("--dim", a.shape.dim, "Channels to keep");
  command->add_option("--out", a.out, "Folder of the smaller model")->required();
  add_dtype_option(*command, a.dtype);
  command->add_option("--threads", a.threads, "Cores to use")->capture_default_str()->check(CLI::Range(1, 1024));
  command->footer(
      "What is left answers worse than before until it has been trained. Example:\n"
      "  stillwatch-lab distill prune --teacher data/teacher --data train.jsonl --layers 4 --ffn 208 --out pruned\n"
      "  stillwatch-lab distill train --student pruned --config plan.yaml --data train.jsonl --teacher data/teacher "
      "\\\n"
      "      --loss forward-kl --out student\n\n"
      "Exit status: 0 done, 2 usage, 3 model or data missing or broken, 4 a file cannot be written.");
  command->callback([arguments, &status] {
    const auto done = run(*arguments);
    status = done ? kClean : complain(done.error());
  });
}

}  // namespace stillwatch::apps
