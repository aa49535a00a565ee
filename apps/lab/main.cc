#include <fmt/format.h>

#include <csignal>
#include <exception>

#include "lab.h"

namespace apps = stillwatch::apps;

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like a full disk
  CLI::App app("Distils a smaller language model from a larger one, and measures what defends against it.",
               "stillwatch-lab");
  app.set_version_flag("--version", "stillwatch-lab " STILLWATCH_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done, 2 wrong usage, 3 input missing, broken or too little, 4 the machine failed.\n"
      "`stillwatch-lab COMMAND --help` tells more; docs/lab.md is the manual.");
  app.failure_message([](const CLI::App* top, const CLI::Error& e) {
    const auto used = top->get_subcommands();
    return fmt::format("stillwatch-lab: {}; `stillwatch-lab {}--help` tells what is possible\n", e.what(),
                       used.empty() ? "" : used.front()->get_name() + " ");
  });
  int status = apps::kClean;
  apps::add_problems(app, status);
  apps::add_train(app, status);
  apps::add_exam(app, status);
  apps::add_serve_model(app, status);
  apps::add_distill(app, status);
  apps::add_range(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? apps::kClean : apps::kUsage;
  } catch (const std::exception& e) {
    fmt::print(stderr, "stillwatch-lab: {}\n", e.what());
    return apps::kInternal;
  }
  return status;
}
