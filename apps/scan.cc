#include <fmt/format.h>
#include <unistd.h>

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

base::Result<std::shared_ptr<const signals::Baseline>> read_baseline(const std::string& path) {
  if (path.empty()) return nullptr;
  if (path == "reference") return signals::Baseline::reference();
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  auto baseline = signals::Baseline::parse(*text);
  if (!baseline) return base::fail(baseline.error().code, fmt::format("{}: {}", path, baseline.error().message));
  return std::make_shared<const signals::Baseline>(std::move(*baseline));
}

bool found(const pipeline::Findings& findings, const std::string& what) {
  if (what == "never") return false;
  for (const auto& a : findings.ranked) {
    if (a.flagged || (what == "watch" && a.verdict == verdict::Verdict::kWatch)) return true;
  }
  return false;
}

int run(const Arguments& a) {
  const auto baseline = read_baseline(a.baseline);
  if (!baseline) return complain(baseline.error());
  auto labels = a.logs.read_labels();
  if (!labels) return complain(labels.error());
  pipeline::Options options;
  options.false_alarms_per_10000 = a.false_alarms;
  pipeline::Pipeline pipeline(*baseline, std::move(*labels), options);
  const auto stats = a.logs.run(pipeline);
  if (!stats) return complain(stats.error());
  if (stats->exchanges == 0) {
    return complain(
        {base::ErrorCode::kInput,
         fmt::format("no exchange was found in the logs{}{}", stats->located.empty() ? "" : "; the first problem: ",
                     stats->located.empty() ? (stats->file_errors.empty() ? "" : "; " + stats->file_errors.front())
                                            : stats->located.front())});
  }
  const pipeline::Findings findings = pipeline.findings();

  int status = found(findings, a.fail_on) ? kFindings : kClean;
  const auto write = [&](const std::string& path, auto produce) {
    if (path.empty()) return;
    const auto ok = write_file(path, [&](const Write& out) { produce(findings, *stats, out); });
    if (!ok) status = complain(ok.error());
  };
  write(a.json, report::write_json);
  write(a.html, report::write_html);
  if (!a.logs.quiet && a.json != "-" && a.html != "-") {
    report::TerminalOptions terminal;
    terminal.rows = a.top;
    terminal.color = a.color == "always" || (a.color == "auto" && ::isatty(STDOUT_FILENO) == 1);
    const std::string table = report::to_terminal(findings, *stats, terminal);
    const auto ok = write_file("-", [&](const Write& out) { out(table); });
    if (!ok) status = complain(ok.error());
  }
  if (status == kClean && !stats->file_errors.empty()) {
    for (const std::string& error : stats->file_errors) complain({base::ErrorCode::kInput, error});
    status = kInput;
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
  command->add_option("--html", a.html, "Write a self-contained HTML report");
  command->add_option("--top", a.top, "Rows of the table")->capture_default_str();
  command->add_option("--fail-on", a.fail_on, "Exit with 1 if an account is flagged, or watch")
      ->capture_default_str()
      ->check(CLI::IsMember({"never", "flagged", "watch"}));
  command->add_option("--color", a.color, "auto, always, never")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "always", "never"}));
  command->footer(
      "Reads every exchange of the logs, ranks accounts by the evidence that they distil, and says why.\n\n"
      "Examples:\n"
      "  stillwatch scan requests.jsonl.gz\n"
      "  stillwatch scan --format otel --baseline may.baseline --html report.html spans-*.jsonl\n"
      "  zcat log.gz | stillwatch scan --json - --fail-on flagged -\n\n"
      "Broken lines are counted and located, not fatal. Exit status: 0 clean, 1 --fail-on, 2 usage, 3 input, 4 "
      "internal.");
  command->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace stillwatch::apps
