// Training as a program does it: goes on with what is there, tells how it goes, keeps states, measurements, a curve and
// the model. `train` and `distill train` share it.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "model/folder.h"
#include "training/trainer.h"

namespace stillwatch::apps {

struct TrainingOptions {
  std::string out;
  std::string device = "native";
  bool bf16 = false;
  model::Precision dtype = model::Precision::kF32;  // of the model as written; its state keeps all bits
  uint64_t save_every = 500;
  uint64_t report_every = 20;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
};

// All of them but `out`.
void add_training_options(CLI::App& command, TrainingOptions& options);

void add_dtype_option(CLI::App& command, model::Precision& dtype);

// Where a network computes: this machine's cores, or what libtorch drives.
base::Result<std::unique_ptr<training::Network>> make_network(const TrainingOptions& options,
                                                              const model::Model& model);

struct TrainingJob {
  training::Plan plan;
  const std::vector<model::Example>* examples = nullptr;
  const std::vector<model::Example>* held_out = nullptr;  // may be null
  training::Loss* loss = nullptr;
  training::Trainer::Renew renew;  // may be empty
  nlohmann::ordered_json about;    // written to OUT/training.json with what the training took
};

// What training.json in a folder tells; null where there is none: for `before` in the `about` of who goes on from it.
nlohmann::ordered_json training_of(const std::string& folder);

// The model's weights are those it ends with.
base::Result<void> run_training(const TrainingOptions& options, const TrainingJob& job, model::Model& model);

}  // namespace stillwatch::apps
