#include <fmt/format.h>

#include <csignal>
#include <exception>

#include "commands.h"

namespace apps = stillwatch::apps;

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like a full disk
  CLI::App app("Stillwatch sees who is distilling a language model through its API.", "stillwatch");
  app.set_version_flag("--version", "stillwatch " STILLWATCH_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done and clean, 1 something found that --fail-on names, 2 wrong usage,\n"
      "3 input missing, broken or too little, 4 the machine failed.\n"
      "`stillwatch COMMAND --help` tells more; docs/cli.md is the manual.");
  app.failure_message([](const CLI::App* top, const CLI::Error& e) {
    const auto used = top->get_subcommands();
    return fmt::format("stillwatch: {}; `stillwatch {}--help` tells what is possible\n", e.what(),
                       used.empty() ? "" : used.front()->get_name() + " ");
  });
  int status = apps::kClean;
  apps::add_scan(app, status);
  apps::add_serve(app, status);
  apps::add_calibrate(app, status);
  apps::add_label(app, status);
  apps::add_population(app, status);
  apps::add_account(app, status);
  apps::add_watermark(app, status);
  apps::add_attribute(app, status);
  apps::add_policy(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? apps::kClean : apps::kUsage;
  } catch (const std::exception& e) {
    fmt::print(stderr, "stillwatch: {}\n", e.what());
    return apps::kInternal;
  }
  return status;
}
