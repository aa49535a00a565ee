// The subcommands of stillwatch-lab, as commands.h has those of stillwatch. Each is a file of its own.
#pragma once

#include "commands.h"
#include "model/folder.h"

namespace stillwatch::apps {

void add_problems(CLI::App& app, int& status);
void add_train(CLI::App& app, int& status);
void add_exam(CLI::App& app, int& status);
void add_serve_model(CLI::App& app, int& status);
void add_distill(CLI::App& app, int& status);
void add_distill_harvest(CLI::App& app, int& status);
void add_distill_eval(CLI::App& app, int& status);
void add_distill_train(CLI::App& app, int& status);
void add_distill_prune(CLI::App& app, int& status);
void add_range(CLI::App& app, int& status);

// A model that knows conversations; fails for one that does not.
base::Result<model::Model> load_talking(const std::string& folder);

// To a folder that is there.
base::Result<void> write_model(const std::string& folder, const model::Model& model,
                               model::Precision precision = model::Precision::kF32);

}  // namespace stillwatch::apps
