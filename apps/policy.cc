// Whom a policy would have hit, over logs or the gateway's store, before anything is enforced.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "files.h"
#include "gateway/archive.h"
#include "gateway/config.h"
#include "logs.h"
#include "pipeline/standing.h"
#include "report/text.h"
#include "verdict/replay.h"

namespace stillwatch::apps {
namespace {

using base::ErrorCode;
using base::Result;
using Json = nlohmann::ordered_json;
namespace vd = verdict;

struct Arguments {
  LogArguments logs;
  std::string policy;
  std::string against;
  std::string baseline;
  std::string classes;
  double false_alarms = 5;
  std::string json;
  size_t top = 20;
  std::string fail_on = "never";
};

Result<std::shared_ptr<const vd::Policy>> read_policy(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  const auto config = gateway::Config::parse(*text, path);
  if (!config) return tl::unexpected(config.error());
  if (config->settings.policy->rules().empty())
    return base::fail(ErrorCode::kUsage, fmt::format("{} has no rungs under `policy`: it would do nothing", path));
  return config->settings.policy;
}

// Accounts to classes: {"account": ..., "class": ...} a line, as `stillwatch population` writes the truth.
Result<std::map<std::string, std::string>> read_classes(const std::string& path) {
  std::map<std::string, std::string> classes;
  if (path.empty()) return classes;
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  std::string_view rest = *text;
  for (size_t number = 1; !rest.empty(); ++number) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const Json object = Json::parse(rest.substr(0, end), nullptr, false);
    const bool blank = rest.substr(0, end).find_first_not_of(" \t\r") == rest.npos;
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (blank) continue;
    if (!object.is_object() || !object.contains("account") || !object["account"].is_string() ||
        !object.contains("class") || !object["class"].is_string()) {
      return base::fail(ErrorCode::kInput,
                        fmt::format("{}:{}: not {{\"account\": ..., \"class\": ...}}", path, number));
    }
    classes[object["account"]] = object["class"];
  }
  return classes;
}

// The gateway's store, named by its folder or by itself; "" for logs.
std::string store_of(const std::vector<std::string>& over) {
  if (over.size() != 1) return {};
  std::string in_folder = over.front() + "/stillwatch.db";
  if (std::filesystem::exists(in_folder)) return in_folder;
  return over.front().ends_with(".db") ? over.front() : std::string();
}

Result<pipeline::Findings> findings_of(const Arguments& a, int& reading) {
  const auto baseline = read_baseline(a.baseline);
  if (!baseline) return tl::unexpected(baseline.error());
  auto labels = a.logs.read_labels();
  if (!labels) return tl::unexpected(labels.error());
  const pipeline::Options options = a.logs.options(a.false_alarms, baseline->campaigns);
  const std::string store = store_of(a.logs.paths);
  if (store.empty()) {
    pipeline::Pipeline pipeline(baseline->baseline, std::move(*labels), options);
    const auto stats = a.logs.run(pipeline);
    if (!stats) return tl::unexpected(stats.error());
    reading = complain_of_reading(*stats);
    return pipeline.findings();
  }
  if (!std::filesystem::exists(store)) return base::fail(ErrorCode::kInput, store + " is not there");
  const auto archive = gateway::Archive::open(store);
  if (!archive) return tl::unexpected(archive.error());
  const auto kept = (*archive)->labels();
  if (!kept) return tl::unexpected(kept.error());
  pipeline::Pipeline pipeline(baseline->baseline, *kept, options);
  if (const auto restored = (*archive)->restore(pipeline); !restored) return tl::unexpected(restored.error());
  return pipeline.findings();
}

std::vector<vd::ReplaySubject> subjects_of(const pipeline::Findings& findings,
                                           const std::map<std::string, std::string>& classes) {
  std::map<std::string_view, vd::CampaignStanding> campaigns;
  for (const pipeline::CampaignFinding& c : findings.campaigns) {
    if (c.flagged) campaigns[c.campaign] = pipeline::standing_of(c);
  }
  std::vector<vd::ReplaySubject> subjects;
  for (const pipeline::AccountFinding& f : findings.ranked) {
    const auto known = classes.find(f.account);
    std::string group = known != classes.end() ? known->second : "";
    if (f.label && known == classes.end())
      group = f.label->kind == vd::LabelKind::kBenign ? "labelled benign" : "labelled hostile";
    if (group.empty()) group = classes.empty() ? "not labelled" : "of no class";
    subjects.push_back({f.account, std::move(group), pipeline::standing_of(f), f.exchanges});
    if (const auto it = campaigns.find(f.campaign); it != campaigns.end())
      subjects.back().standing.campaign = it->second;
  }
  return subjects;
}

double percent(uint64_t part, uint64_t of) {
  return of > 0 ? 100.0 * static_cast<double>(part) / static_cast<double>(of) : 0;
}

void print_tallies(const vd::Replay& r) {
  std::string head = fmt::format("{:<24} {:>9} {:>9} {:>8} {:>9}", "", "accounts", "hit", "share", "enforced");
  for (int i = 0; i < vd::kRungs; ++i) head += fmt::format(" {:>9}", vd::name_of(static_cast<vd::Rung>(i)));
  fmt::print("{} {:>17}\n", head, "of their exchanges");
  const auto row = [](std::string_view name, const vd::ReplayTally& t) {
    fmt::print("{:<24} {:>9} {:>9} {:>6.2f} % {:>9}", report::printable(name, 24), t.accounts, t.hit,
               percent(t.hit, t.accounts), t.enforced);
    for (const uint64_t n : t.by_rung) fmt::print(" {:>9}", n);
    fmt::print(" {:>15.2f} %\n", percent(t.exchanges_hit, t.exchanges));
  };
  for (const auto& [name, tally] : r.groups) row(name, tally);
  row("all", r.all);
}

Json tally_json(const vd::ReplayTally& t) {
  Json rungs = Json::object();
  for (int i = 0; i < vd::kRungs; ++i)
    rungs[std::string(vd::name_of(static_cast<vd::Rung>(i)))] = t.by_rung[static_cast<size_t>(i)];
  return {{"accounts", t.accounts},           {"hit", t.hit},  {"enforced", t.enforced}, {"exchanges", t.exchanges},
          {"exchanges_hit", t.exchanges_hit}, {"rungs", rungs}};
}

Json report_json(const vd::Policy& policy, const vd::Replay& r, const std::vector<vd::ReplaySubject>& subjects) {
  Json groups = Json::object();
  for (const auto& [name, tally] : r.groups) groups[name] = tally_json(tally);
  Json hits = Json::array();
  for (const vd::ReplayHit& hit : r.hits) {
    const vd::ReplaySubject& s = subjects[hit.subject];
    hits.push_back({{"account", s.account},
                    {"group", s.group},
                    {"verdict", vd::name_of(s.standing.verdict)},
                    {"p_value", s.standing.p_value},
                    {"rungs", vd::rungs_text(hit.rungs)},
                    {"enforced", vd::rungs_text(hit.enforced)}});
  }
  return {{"policy", fmt::format("{:016x}", policy.hash())},
          {"all", tally_json(r.all)},
          {"groups", groups},
          {"hits", hits}};
}

void print_hits(const vd::Replay& r, const std::vector<vd::ReplaySubject>& subjects, size_t top) {
  if (r.hits.empty()) return;
  fmt::print("\nwould be hit, in order of evidence:\n");
  for (size_t i = 0; i < std::min(top, r.hits.size()); ++i) {
    const vd::ReplaySubject& s = subjects[r.hits[i].subject];
    fmt::print("  {:<32} {:<16} p = {:<9.2g} {}\n", report::printable(s.account, 32), vd::name_of(s.standing.verdict),
               s.standing.p_value, vd::rungs_text(r.hits[i].rungs));
  }
  if (r.hits.size() > top) fmt::print("  ... and {} more: --top or --json\n", r.hits.size() - top);
}

int run(const Arguments& a) {
  const auto policy = read_policy(a.policy);
  if (!policy) return complain(policy.error());
  std::shared_ptr<const vd::Policy> other;
  if (!a.against.empty()) {
    auto read = read_policy(a.against);
    if (!read) return complain(read.error());
    other = std::move(*read);
  }
  const auto classes = read_classes(a.classes);
  if (!classes) return complain(classes.error());
  int status = kClean;
  const auto findings = findings_of(a, status);
  if (!findings) return complain(findings.error());
  const auto subjects = subjects_of(*findings, *classes);
  const vd::Replay replayed = vd::replay(**policy, subjects);
  Json json = report_json(**policy, replayed, subjects);

  if (!a.logs.quiet && a.json != "-") {
    fmt::print("policy {:016x} over {} accounts, {} exchanges, {}\n\n", (*policy)->hash(), findings->accounts,
               findings->exchanges, findings->baseline.calibrated ? "calibrated" : "uncalibrated");
    print_tallies(replayed);
    if (!findings->baseline.calibrated)
      fmt::print("\nuncalibrated evidence only observes, unless the policy says act_uncalibrated\n");
    print_hits(replayed, subjects, a.top);
  }
  if (other) {
    const vd::Replay before = vd::replay(*other, subjects);
    Json list = Json::array();
    for (const vd::ReplayChange& c : vd::changes(before, replayed)) {
      list.push_back({{"account", subjects[c.subject].account},
                      {"group", subjects[c.subject].group},
                      {"gone", vd::rungs_text(c.gone)},
                      {"come", vd::rungs_text(c.come)}});
    }
    if (!a.logs.quiet && a.json != "-") {
      fmt::print("\nagainst policy {:016x} ({} hit): {} accounts fare otherwise\n", other->hash(), before.all.hit,
                 list.size());
      for (size_t i = 0; i < std::min(a.top, list.size()); ++i) {
        const std::string gone = list[i]["gone"], come = list[i]["come"];
        fmt::print("  {:<32} {}{}{}\n", report::printable(list[i]["account"].get<std::string>(), 32),
                   gone.empty() ? "" : "no longer " + gone, gone.empty() || come.empty() ? "" : "; ",
                   come.empty() ? "" : "now " + come);
      }
      if (list.size() > a.top) fmt::print("  ... and {} more: --top or --json\n", list.size() - a.top);
    }
    json["against"] = {{"policy", fmt::format("{:016x}", other->hash())}, {"hit", before.all.hit}, {"changes", list}};
  }
  if (!a.json.empty()) {
    const auto ok = write_file(
        a.json, [&](const Write& write) { write(json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n"); });
    if (!ok) return complain(ok.error());
  }
  if (a.fail_on == "hit" && replayed.all.hit > 0) return kFindings;
  return status;
}

}  // namespace

void add_policy(CLI::App& app, int& status) {
  auto* policy = app.add_subcommand("policy", "Try a policy before it is enforced");
  policy->require_subcommand(1);
  policy->footer("Example:\n  stillwatch policy test --help\n\nExit status: as of the subcommand.");
  auto* command = policy->add_subcommand("test", "Whom would it have hit?");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--policy", a.policy, "The gateway's configuration with the policy in it")->required();
  command->add_option("--over", a.logs.paths, "Logs, or the gateway's folder or store")->required();
  command->add_option("--against", a.against, "Another such file: who fares otherwise under the first");
  command->add_option("--baseline", a.baseline, "What honest traffic looks like, as for scan");
  command->add_option("--classes", a.classes,
                      "JSON Lines {\"account\": ..., \"class\": ...}: each class has its own line");
  command->add_option("--format", a.logs.format, "Of the logs, as for scan")->capture_default_str();
  command->add_option("--labels", a.logs.labels,
                      fmt::format("Labels to respect (default: {} if it is there)", kLabelsFile));
  command->add_option("--threads", a.logs.threads, "Threads that parse and search (default: all cores)")
      ->check(CLI::Range(0, 1024));
  command->add_option("--false-alarms", a.false_alarms, "Budget of honest accounts flagged, of 10,000 in a month")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 5000.0));
  command->add_option("--json", a.json, "Write it as JSON; - for standard output");
  command->add_option("--top", a.top, "Accounts shown")->capture_default_str();
  command->add_flag("--quiet", a.logs.quiet, "No progress bar and no table");
  command->add_option("--fail-on", a.fail_on, "Exit with 1 if anybody is hit")
      ->capture_default_str()
      ->check(CLI::IsMember({"never", "hit"}));
  command->footer(
      "Judges the accounts as scan does, then asks the policy about each. Rungs in mode observe count as what they "
      "would "
      "do;\n"
      "those in mode off do nothing. Nothing is written and nobody is acted upon.\n\n"
      "Examples:\n"
      "  stillwatch policy test --policy stillwatch.yaml --over may-*.jsonl.gz --baseline april.baseline\n"
      "  stillwatch policy test --policy new.yaml --against stillwatch.yaml --over stillwatch-data\n\n"
      "Exit status:\n"
      "  0  done\n"
      "  1  done, and --fail-on names what was found\n"
      "  2  the command line or a policy is wrong\n"
      "  3  an input is missing, broken or in use (the store of a gateway that runs)\n"
      "  4  the machine failed");
  command->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace stillwatch::apps
