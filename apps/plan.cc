// How many answers, windows and canaries it takes.
#include <fmt/format.h>

#include <memory>

#include "attribution/planner.h"
#include "commands.h"

namespace stillwatch::apps {
namespace {

struct Arguments {
  double level = 0.001;
  double power = 0.9;
  double shift = 0;
  size_t issued = 0;
  size_t others = 0;
};

int plan(const Arguments& a) {
  fmt::print("to reach p <= {} with {:.0f} % power\n\n", a.level, 100 * a.power);
  fmt::print(
      "marked answers that show the mark in themselves (whole answers of like length; as many sentences where each\n"
      "sentence is chosen):\n");
  for (const size_t n : {2, 3, 4, 6, 8, 16})
    fmt::print("  best of {:>2} drafts {:>8.0f} answers\n", n, attribution::answers_needed(n, a.level, a.power));
  fmt::print("\ntexts of a student, by what it keeps of the mark (standard deviations a window; a pilot tells):\n");
  for (const double shift : {0.3, 0.1, 0.03, 0.01, 0.003})
    fmt::print("  {:<6} {:>12.0f} distinct windows\n", shift, attribution::windows_needed(shift, a.level, a.power));
  if (a.shift > 0) {
    fmt::print("\nat {} where all it learnt was marked, by the share that was:\n", a.shift);
    for (const double share : {1.0, 0.5, 0.2, 0.1, 0.05, 0.01}) {
      fmt::print("  {:>4.0f} % {:>14.0f} distinct windows\n", 100 * share,
                 attribution::windows_needed(share * a.shift, a.level, a.power));
    }
  }
  if (a.issued > 0) {
    const size_t others = a.others > 0 ? a.others : 2 * a.issued;
    const size_t needed = attribution::canaries_needed(a.issued, others, a.level);
    if (needed > 0) {
      fmt::print("\ncanaries: {} of {} issued must be recalled and none of {} others\n", needed, a.issued, others);
    } else {
      fmt::print("\ncanaries: {} issued against {} others cannot reach it\n", a.issued, others);
    }
  }
  return kClean;
}

}  // namespace

void add_plan(CLI::App& watermark, int& status) {
  auto* command = watermark.add_subcommand("plan", "How much it takes to detect and to attribute");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--level", a.level, "The p-value to reach")->capture_default_str()->check(CLI::Range(1e-30, 0.5));
  command->add_option("--power", a.power, "How surely")->capture_default_str()->check(CLI::Range(0.5, 0.9999));
  command->add_option("--shift", a.shift, "Standard deviations a window of a student that learnt marked answers only")
      ->check(CLI::Range(0.0, 100.0));
  command->add_option("--issued", a.issued, "Canaries issued")->check(CLI::Range(0, 100'000));
  command->add_option("--others", a.others, "Canaries never issued that are asked for too (default: twice as many)")
      ->check(CLI::Range(0, 100'000));
  command->footer(
      "By the normal law, for planning; what is reported later is exact.\n\n"
      "Example:\n"
      "  stillwatch watermark plan --level 1e-5 --shift 0.05 --issued 50\n\n"
      "Exit status:\n"
      "  0  done\n"
      "  2  the command line is wrong");
  command->callback([arguments, &status] { status = plan(*arguments); });
}

}  // namespace stillwatch::apps
