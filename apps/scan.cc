#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <functional>
#include <memory>

#include "commands.h"
#include "files.h"
#include "logs.h"
#include "report/html.h"
#include "report/json.h"
#include "report/terminal.h"

namespace stillwatch::apps {
namespace {

struct Arguments {
  LogArguments logs;
  std::string baseline;
  double false_alarms = 5;
  std::string json;
  std::string html;
  size_t top = 20;
  std::string fail_on = "never";
  std::string color = "auto";
};

bool found(const pipeline::Findings& findings, const std::string& what) {
  if (what == "never") return false;
  for (const auto& a : findings.ranked) {
    if (a.flagged || (what == "watch" && a.verdict == verdict::Verdict::kWatch)) return true;
  }
  for (const auto& c : findings.campaigns) {
    if (c.flagged || what == "watch") return true;
  }
  return false;
}

report::TerminalOptions terminal_options(const Arguments& a) {
  report::TerminalOptions options;
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  options.rows = a.top;
  options.color = a.color == "always" || (a.color == "auto" && terminal);
  winsize window{};
  if (terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
    options.columns = window.ws_col;
  return options;
}

int run(const Arguments& a) {
  if (a.json == "-" && a.html == "-") {
    return complain({base::ErrorCode::kUsage, "--json - and --html - cannot both have standard output: name a file"});
  }
  const auto baseline = read_baseline(a.baseline);
  if (!baseline) return complain(baseline.error());
  auto labels = a.logs.read_labels();
  if (!labels) return complain(labels.error());
  pipeline::Pipeline pipeline(baseline->baseline, std::move(*labels),
                              a.logs.options(a.false_alarms, baseline->campaigns));
  const auto stats = a.logs.run(pipeline);
  if (!stats) return complain(stats.error());
  const int reading = complain_of_reading(*stats);
  if (stats->exchanges == 0) {
    std::string message = "no exchange was found in the logs";
    if (!stats->located.empty()) message += fmt::format("; the first problem: {}", stats->located.front());
    if (stats->unidentified > 0) message += fmt::format("; {} name no account or other sender", stats->unidentified);
    return complain({base::ErrorCode::kInput, message});
  }
  const pipeline::Findings findings = pipeline.findings();

  int status = found(findings, a.fail_on) ? kFindings : reading;
  const auto write = [&](const std::string& path, const std::function<void(const Write&)>& produce) {
    if (const auto ok = write_file(path, produce); !ok) status = complain(ok.error());
  };
  if (!a.json.empty()) write(a.json, [&](const Write& out) { report::write_json(findings, *stats, out); });
  if (!a.html.empty()) write(a.html, [&](const Write& out) { report::write_html(findings, *stats, out); });
  if (!a.logs.quiet && a.json != "-" && a.html != "-") {
    write("-", [&](const Write& out) { out(report::to_terminal(findings, *stats, terminal_options(a))); });
  }
  return status;
}

}  // namespace

void add_scan(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("scan", "Find who is distilling, from logs");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  a.logs.add_to(*command);
  command->add_option(
      "--baseline", a.baseline,
      "A baseline made by `stillwatch calibrate`, or `reference` for the shipped one. Without it the log is held\n"
      "against itself, or against the reference if it is small, and the result is labelled uncalibrated");
  command
      ->add_option("--false-alarms", a.false_alarms, "Budget: honest accounts flagged by chance, of 10,000 in a month")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 5000.0));
  command->add_option("--json", a.json, "Write findings as JSON (docs/report.md); - for standard output");
  command->add_option("--html", a.html, "Write a self-contained HTML page; - for standard output");
  command->add_option("--top", a.top, "Rows of the table")->capture_default_str();
  command
      ->add_option("--fail-on", a.fail_on, "Exit with 1 if an account or a campaign is flagged, or at least on watch")
      ->capture_default_str()
      ->check(CLI::IsMember({"never", "flagged", "watch"}));
  command->add_option("--color", a.color, "Colours in the table")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "always", "never"}));
  command->footer(
      "Reads every exchange of the logs, ranks accounts by the evidence that they distil, and says why. Files that "
      "overlap\n"
      "in time are merged. Broken lines are counted and located, not fatal. The first interrupt (Ctrl-C) ends the "
      "reading,\n"
      "and what was read is judged.\n\n"
      "Examples:\n"
      "  stillwatch scan requests.jsonl.gz\n"
      "  stillwatch scan --format otel --baseline may.baseline --html report.html spans-*.jsonl\n"
      "  zcat log.gz | stillwatch scan --json - --fail-on flagged -\n\n"
      "Files:\n"
      "  stillwatch-labels.jsonl  labels, read if it is in the current directory (see `stillwatch label --help`)\n\n"
      "Exit status:\n"
      "  0  done, and nothing found that --fail-on names\n"
      "  1  done, and --fail-on names something that was found\n"
      "  2  the command line is wrong\n"
      "  3  an input is missing, broken or cut off (what could be read was read and reported)\n"
      "  4  the machine failed: disk full, no memory (the other outputs are written)");
  command->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace stillwatch::apps
