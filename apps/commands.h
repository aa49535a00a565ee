// The subcommands. Each adds itself to the command line and leaves its exit status in `status` when it ran.
#pragma once

#include <CLI/CLI.hpp>

namespace stillwatch::apps {

// Exit statuses, the same for every subcommand.
enum Status : int {
  kClean = 0,     // done; nothing found that --fail-on names
  kFindings = 1,  // done; --fail-on names something that was found
  kUsage = 2,     // the command line or a configuration file is wrong
  kInput = 3,     // an input is missing, broken or too little
  kInternal = 4,  // the machine failed: disk full, no memory
};

void add_scan(CLI::App& app, int& status);
void add_calibrate(CLI::App& app, int& status);
void add_label(CLI::App& app, int& status);
void add_population(CLI::App& app, int& status);
void add_account(CLI::App& app, int& status);
void add_serve(CLI::App& app, int& status);
void add_watermark(CLI::App& app, int& status);
void add_plan(CLI::App& watermark, int& status);  // of watermark
void add_attribute(CLI::App& app, int& status);
void add_policy(CLI::App& app, int& status);

}  // namespace stillwatch::apps
