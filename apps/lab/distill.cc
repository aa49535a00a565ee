#include "lab.h"

namespace stillwatch::apps {

void add_distill(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("distill", "Distil a smaller model from a larger one");
  command->require_subcommand(1);
  add_distill_harvest(*command, status);
  add_distill_train(*command, status);
  add_distill_eval(*command, status);
}

}  // namespace stillwatch::apps
