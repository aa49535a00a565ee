#include "files.h"
#include "lab.h"

namespace stillwatch::apps {

void add_distill(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("distill", "Distil a smaller model from a larger one");
  command->require_subcommand(1);
  add_distill_harvest(*command, status);
  add_distill_prune(*command, status);
  add_distill_train(*command, status);
  add_distill_eval(*command, status);
}

base::Result<model::Model> load_talking(const std::string& folder) {
  auto loaded = model::load_model(folder);
  if (loaded && !loaded->marks)
    return base::fail(base::ErrorCode::kInput,
                      folder + " knows no conversations: its tokenizer has no marks for turns");
  return loaded;
}

base::Result<void> write_model(const std::string& folder, const model::Model& model, model::Precision precision) {
  return model::save_model(model, precision, [&](const std::string& name, const auto& produce) {
    return write_file(folder + "/" + name, produce);
  });
}

}  // namespace stillwatch::apps
