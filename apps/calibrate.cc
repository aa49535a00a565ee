#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/limits.h"
#include "commands.h"
#include "files.h"
#include "logs.h"
#include "stats/binomial.h"

namespace stillwatch::apps {
namespace {

struct Arguments {
  LogArguments logs;
  std::string out;
  std::string baseline;
  bool check = false;
  double false_alarms = 5;
};

int complain_usage(std::string message) {
  return complain({base::ErrorCode::kUsage, std::move(message)});
}

// Accounts that stand apart in traffic that should be honest: judged against the traffic itself.
std::vector<std::string> suspects(pipeline::Pipeline& pipeline) {
  std::vector<std::string> names;
  for (const auto& a : pipeline.findings().ranked) {
    if (a.verdict == verdict::Verdict::kHarvest) names.push_back(a.account);
  }
  return names;
}

int make(const Arguments& a, verdict::Labels labels) {
  pipeline::Pipeline pipeline(nullptr, std::move(labels), a.logs.options(a.false_alarms));
  const auto stats = a.logs.run(pipeline);
  if (!stats) return complain(stats.error());
  const auto baseline = pipeline.calibrate();
  if (!baseline) return complain(baseline.error());
  const auto groups = pipeline.calibrate_campaigns(*baseline);
  const auto produce = [&](const Write& write) {
    write(baseline->to_json());
    if (groups) write(groups->to_json());
  };
  if (auto ok = write_file(a.out, produce); !ok) return complain(ok.error());
  if (!groups && !a.logs.quiet) fmt::print(stderr, "campaigns will not be sought: {}\n", groups.error().message);
  const int status = complain_of_reading(*stats);
  if (a.logs.quiet) return status;
  fmt::print(stderr,
             "calibrated on {} exchanges of {} accounts; {} of them rank, so p-values go down to {:.1g} before they "
             "are extrapolated\n",
             stats->exchanges, pipeline.accounts(), baseline->subjects(),
             1.0 / static_cast<double>(baseline->subjects() + 1));
  const auto names = suspects(pipeline);
  if (!names.empty()) {
    constexpr size_t kNamed = 10;
    fmt::print(stderr,
               "{} accounts stand apart from the rest; if they are not honest, label them and calibrate again:\n",
               names.size());
    for (size_t i = 0; i < std::min(kNamed, names.size()); ++i) {
      fmt::print(stderr, "  stillwatch label '{}' hostile --until DATE --why TEXT\n", names[i]);
    }
    if (names.size() > kNamed)
      fmt::print(stderr, "  ... and {} more: `stillwatch scan` ranks them\n", names.size() - kNamed);
  }
  return status;
}

// Judged accounts of which some are at or below a level: honest ones, so all of them by chance.
void print_row(double level, uint64_t below, uint64_t accounts) {
  const auto interval = stats::clopper_pearson(below, accounts);
  const double achieved = accounts > 0 ? static_cast<double>(below) / static_cast<double>(accounts) : 0;
  fmt::print("{:>8.1f}%  {:>8.2f}%  {:>6} of {:<7}  {:>6.2f}% .. {:>6.2f}%\n", 100 * level, 100 * achieved, below,
             accounts, 100 * interval.low, 100 * interval.high);
}

void print_levels(const pipeline::Findings& findings) {
  for (const double level : {0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.001}) {
    uint64_t below = 0;
    for (const auto& account : findings.ranked) below += !account.looks.empty() && account.evidence.p_value <= level;
    print_row(level, below, findings.accounts_judged);
  }
}

void print_flagged(const pipeline::Findings& findings, double budget) {
  const auto interval = stats::clopper_pearson(findings.accounts_flagged, findings.accounts_judged);
  const double months =
      std::max(1.0, static_cast<double>(base::to_ms(findings.last) - base::to_ms(findings.first)) / base::kEpochMs);
  const double promised = budget * months;
  fmt::print(
      "\nflagged at a budget of {:g} in 10,000 a month: {} accounts = {:.1f} in 10,000 (95 % interval {:.1f} .. "
      "{:.1f}), promised at most {:.1f}\n",
      budget, findings.accounts_flagged,
      1e4 * static_cast<double>(findings.accounts_flagged) / static_cast<double>(findings.accounts_judged),
      1e4 * interval.low, 1e4 * interval.high, promised);
  if (1e4 * interval.low > promised) {
    fmt::print(
        "the promise is not kept: the mix has changed, or these accounts are not all honest; look at them with "
        "`stillwatch scan`, label, and calibrate again\n");
  } else if (1e4 * interval.high > 2 * promised) {
    fmt::print("nothing speaks against the promise, but {} accounts are too few to confirm it\n",
               findings.accounts_judged);
  } else {
    fmt::print("the promise is kept\n");
  }
}

int check(const Arguments& a, verdict::Labels labels) {
  const auto baseline = read_baseline(a.baseline);
  if (!baseline) return complain(baseline.error());
  pipeline::Pipeline pipeline(baseline->baseline, std::move(labels), a.logs.options(a.false_alarms));
  const auto stats = a.logs.run(pipeline);
  if (!stats) return complain(stats.error());
  const pipeline::Findings findings = pipeline.findings();
  if (findings.accounts_judged == 0) {
    return complain({base::ErrorCode::kInput,
                     fmt::format("no account has the {} exchanges it takes to be judged", signals::kFirstLook)});
  }
  fmt::print("{} accounts judged, taken to be honest, {} exchanges\n\n", findings.accounts_judged, stats->exchanges);
  fmt::print("{:>9}  {:>9}  {:>17}  {:>18}\n", "promised", "achieved", "accounts", "95 % interval");
  print_levels(findings);
  print_flagged(findings, a.false_alarms);
  return complain_of_reading(*stats);
}

int run(const Arguments& a) {
  auto labels = a.logs.read_labels();
  if (!labels) return complain(labels.error());
  if (a.check) {
    if (a.baseline.empty()) return complain_usage("--check needs --baseline FILE, the baseline to be checked");
    return check(a, std::move(*labels));
  }
  if (a.out.empty()) return complain_usage("name the baseline to write with --out FILE, or use --check");
  return make(a, std::move(*labels));
}

}  // namespace

void add_calibrate(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("calibrate", "Learn what honest traffic looks like, or check what was learnt");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  a.logs.add_to(*command);
  command->add_option("--out", a.out, "Write the baseline here");
  command->add_flag("--check", a.check, "Count the false alarms of --baseline on these logs, taken to be honest");
  command->add_option("--baseline", a.baseline, "With --check: the baseline");
  command->add_option("--false-alarms", a.false_alarms, "Budget of honest accounts flagged, of 10,000 in a month")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 5000.0));
  command->footer(
      "Give a few weeks of traffic of accounts you trust, in the mix that will be scanned, the more accounts the "
      "finer:\n"
      "n accounts carry p-values down to about 1.5/n, below that they are extrapolated. Accounts labelled hostile are\n"
      "left out. Accounts that stand apart are named, so that you can look at them and label them.\n\n"
      "--check judges other honest traffic by a baseline and prints promised beside achieved shares of small "
      "p-values,\n"
      "and false alarms at the budget, with exact intervals.\n\n"
      "Examples:\n"
      "  stillwatch calibrate --out may.baseline may-*.jsonl.gz\n"
      "  stillwatch calibrate --check --baseline may.baseline june-*.jsonl.gz\n\n"
      "Files:\n"
      "  stillwatch-labels.jsonl  labels, read if it is in the current directory (see `stillwatch label --help`)\n\n"
      "Exit status:\n"
      "  0  done\n"
      "  2  the command line is wrong\n"
      "  3  an input is missing, cut off or too little (what could be read was used)\n"
      "  4  the machine failed: disk full, no memory");
  command->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace stillwatch::apps
