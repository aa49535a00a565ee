// Keys of marks, marks on drafts and their detection, on files.
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "commands.h"
#include "files.h"
#include "marks.h"
#include "stats/multiple.h"
#include "watermark/canary.h"
#include "watermark/detect.h"
#include "watermark/embed.h"
#include "watermark/select.h"

namespace stillwatch::apps {
namespace {

using base::ErrorCode;
using Json = nlohmann::ordered_json;
namespace wm = watermark;

std::string dumped(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

int make_key(const std::string& path) {
  if (path != "-" && std::filesystem::exists(path))
    return complain({ErrorCode::kInput,
                     fmt::format("{} is there already: marks made with it could not be found without it", path)});
  uint8_t bytes[wm::MasterKey::kBytes];
  randombytes_buf(bytes, sizeof bytes);
  const mode_t mask = ::umask(0077);
  const auto ok = write_file(path, [&](const Write& write) { write(base::to_hex(bytes) + "\n"); });
  ::umask(mask);
  return ok ? kClean : complain(ok.error());
}

struct DetectArguments {
  MarkArguments mark;
  std::vector<std::string> texts;
  std::vector<std::string> evidence;
  bool tokens = false;
  int controls = 1000;
  std::string json;
};

// How a label's key, and keys that nothing was ever marked with, do on the same windows.
struct Row {
  std::string label;
  wm::Detection found;
  double holm = 1;
  double controls_at_most = 0;    // share of control keys with a p-value as small
  double controls_below[2] = {};  // share of control keys with p <= 0.05, p <= 0.01
};

void add(const attribution::Sample& sample, bool tokens, wm::Windows& windows) {
  if (tokens) {
    windows.add(wm::units_of(sample.tokens), wm::units_of(sample.prompt_tokens));
  } else {
    windows.add_text(sample.answer, sample.prompt);
  }
}

Row measure(const std::string& label, const wm::Key& key, const wm::Mark& mark, const wm::Windows& windows,
            int controls) {
  Row row;
  row.label = label;
  row.found = wm::detect(key, mark, windows);
  for (int i = 0; i < controls; ++i) {
    const wm::Detection d = wm::detect(wm::control_key(static_cast<uint64_t>(i)), mark, windows);
    const double one = 1.0 / controls;
    row.controls_at_most += d.log10_p <= row.found.log10_p ? one : 0;
    row.controls_below[0] += d.p() <= 0.05 ? one : 0;
    row.controls_below[1] += d.p() <= 0.01 ? one : 0;
  }
  return row;
}

Json json_of(const Row& row, const wm::Windows& windows) {
  const auto& c = windows.counts();
  return {{"label", row.label},
          {"windows", row.found.windows},
          {"score", row.found.score},
          {"expected", row.found.expected},
          {"z", row.found.z},
          {"p_value", row.found.p()},
          {"log10_p", row.found.log10_p},
          {"holm", row.holm},
          {"texts", c.texts},
          {"repeated", c.repeated},
          {"prompted", c.prompted},
          {"filtered", c.filtered},
          {"quoting", c.quoting},
          {"controls_at_most", row.controls_at_most},
          {"controls_below_0.05", row.controls_below[0]},
          {"controls_below_0.01", row.controls_below[1]}};
}

int detect(const DetectArguments& a) {
  const auto master = read_master(a.mark.key_file);
  if (!master) return complain(master.error());
  const auto mark = a.mark.read();
  if (!mark) return complain(mark.error());
  const auto samples = read_suspect(a.texts);
  if (!samples) return complain(samples.error());
  const auto evidence = read_evidence(a.evidence);
  if (!evidence) return complain(evidence.error());

  std::vector<Row> rows;
  Json out = Json::array();
  std::vector<double> p;
  std::vector<wm::Windows> views;
  for (const std::string& label : a.mark.labels) {
    const wm::Key key = master->derive(label);
    const wm::MarkEvidence* known = evidence->find_mark(key.id());
    if (!a.evidence.empty() && known == nullptr)
      return complain({ErrorCode::kInput, fmt::format("the evidence knows no mark labelled {}", label)});
    wm::Windows windows(mark->context, known != nullptr ? &known->filter : nullptr);
    for (const auto& sample : *samples) add(sample, a.tokens, windows);
    rows.push_back(measure(label, key, *mark, windows, a.controls));
    p.push_back(rows.back().found.p());
    views.push_back(std::move(windows));
  }
  const std::vector<double> adjusted = stats::holm(p);
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].holm = adjusted[i];
    out.push_back(json_of(rows[i], views[i]));
  }
  if (!a.json.empty()) {
    const Json whole = {{"stillwatch_watermark", 1},
                        {"scheme", wm::name_of(mark->scheme)},
                        {"context", mark->context},
                        {"gamma", mark->gamma},
                        {"layers", mark->layers},
                        {"control_keys", a.controls},
                        {"labels", out}};
    if (const auto ok = write_file(a.json, [&](const Write& write) { write(dumped(whole, 1)); }); !ok)
      return complain(ok.error());
    if (a.json == "-") return kClean;
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& r = rows[i];
    fmt::print("{}: {} distinct windows of {} texts, score {:.6g} where {:.6g} is expected, z = {:.1f}\n", r.label,
               r.found.windows, views[i].counts().texts, r.found.score, r.found.expected, r.found.z);
    if (r.found.windows == 0) {
      fmt::print("  nothing can be said of no windows: give more text\n");
      continue;
    }
    fmt::print("  p = {}{}; {:.1f} % of {} keys that marked nothing reach that (of these {:.1f} % have p <= 0.05)\n",
               r.found.log10_p < -300 ? fmt::format("10^{:.0f}", r.found.log10_p) : fmt::format("{:.2g}", r.found.p()),
               rows.size() > 1 ? fmt::format(", {:.2g} after Holm", r.holm) : "", 100 * r.controls_at_most, a.controls,
               100 * r.controls_below[0]);
  }
  return kClean;
}

struct SelectArguments {
  MarkArguments mark;
  std::string drafts;
  std::string out = "-";
  std::string evidence;
};

// {"account": ..., "drafts": [...]} a line to {"chosen": ..., "answer": ...}.
int select(const SelectArguments& a) {
  const auto master = read_master(a.mark.key_file);
  if (!master) return complain(master.error());
  const auto mark = a.mark.read();
  if (!mark) return complain(mark.error());
  if (a.mark.labels.size() != 1) return complain({ErrorCode::kUsage, "answers are marked with one --label"});
  const auto text = read_content(a.drafts);
  if (!text) return complain(text.error());
  const wm::Key key = master->derive(a.mark.labels.front());
  const wm::DraftSelector selector(key, *mark);
  std::map<std::string, wm::GivenWindows> given;
  std::string answers;
  std::string evidence = wm::mark_line(now(), a.mark.labels.front(), key, *mark, wm::Units::kWords);
  size_t number = 0, same = 0, selected = 0;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    Json record = Json::parse(line, nullptr, false);
    std::vector<std::string> drafts;
    if (record.is_object() && record.contains("drafts") && record["drafts"].is_array()) {
      for (const Json& draft : record["drafts"]) {
        if (draft.is_string()) drafts.push_back(draft);
      }
    }
    if (drafts.empty()) {
      return complain({ErrorCode::kInput, fmt::format("{}:{}: no {{\"account\": ..., \"drafts\": [\"...\", \"...\"]}}",
                                                      a.drafts, number)});
    }
    const std::string account = record.contains("account") && record["account"].is_string() ? record["account"] : "";
    const std::vector<std::string_view> views(drafts.begin(), drafts.end());
    const wm::Selection s = selector.select(views, given[account]);
    ++selected;
    same += s.sketch.distinct_drafts() < 2;
    evidence += wm::answer_line(now(), account, key, s.sketch);
    record.erase("drafts");
    record["answer"] = drafts[s.chosen];
    record["chosen"] = s.chosen;
    record["distinct"] = s.sketch.distinct_drafts();
    record["scores"] = s.scores;
    answers += dumped(record);
  }
  // Evidence first: an answer that is out and was not noted down can never be used.
  if (!a.evidence.empty()) {
    if (const auto ok = append_lines(a.evidence, evidence); !ok) return complain(ok.error());
  }
  if (const auto ok = write_file(a.out, [&](const Write& write) { write(answers); }); !ok) return complain(ok.error());
  if (same > 0) {
    fmt::print(stderr,
               "stillwatch: {} of {} answers had drafts that were all the same and carry no mark: drafts must be "
               "sampled, at a temperature above 0\n",
               same, selected);
  }
  return kClean;
}

struct CanaryArguments {
  std::string key_file;
  std::string label;
  size_t size = 10'000;
  std::string evidence;
  std::string out;
};

int commit_canaries(const CanaryArguments& a) {
  const auto master = read_master(a.key_file);
  if (!master) return complain(master.error());
  const wm::CanaryPool pool(master->derive(a.label), a.size);
  if (!a.evidence.empty()) {
    if (const auto ok = append_lines(a.evidence, wm::pool_line(now(), a.label, pool.size(), pool.hash())); !ok)
      return complain(ok.error());
  }
  if (!a.out.empty()) {
    const auto ok = write_file(a.out, [&](const Write& write) {
      for (size_t i = 0; i < pool.size(); ++i) write(pool[i].sentence() + "\n");
    });
    if (!ok) return complain(ok.error());
  }
  fmt::print("{}\n", pool.hash());
  return kClean;
}

void add_detect(CLI::App& watermark, int& status) {
  auto* command = watermark.add_subcommand("detect", "Is a collection of texts marked?");
  auto arguments = std::make_shared<DetectArguments>();
  DetectArguments& a = *arguments;
  command->add_option("TEXT", a.texts, "Files: plain text, data sets or logs as JSON Lines; packed ones too; -")
      ->required();
  a.mark.add_to(*command);
  command->add_option("--evidence", a.evidence,
                      "Evidence of marked answers: only windows that their drafts can have taught are counted");
  command->add_flag("--tokens", a.tokens, "The mark is of tokens: `tokens` and `prompt_tokens` are read, not words");
  command->add_option("--controls", a.controls, "Keys that marked nothing, for comparison")
      ->capture_default_str()
      ->check(CLI::Range(0, 1'000'000));
  command->add_option("--json", a.json, "Write the figures as JSON; - for standard output");
  command->footer(
      "All texts are one collection: each window of words counts once, and not in answers to a prompt that holds it.\n"
      "The p-value is exact: texts that do not depend on the key get p <= a with probability at most a. Single "
      "answers\n"
      "cannot be detected; give many.\n\n"
      "Examples:\n"
      "  stillwatch watermark detect --key-file master.key --label campaign:3f2a answers.jsonl.gz\n"
      "  stillwatch watermark detect --key-file master.key --label epoch:1 --evidence evidence.jsonl suspect.txt\n\n"
      "Exit status:\n"
      "  0  measured, whatever the result\n"
      "  2  the command line is wrong\n"
      "  3  an input is missing or broken\n"
      "  4  the machine failed");
  command->callback([arguments, &status] { status = detect(*arguments); });
}

void add_select(CLI::App& watermark, int& status) {
  auto* command = watermark.add_subcommand("select", "Mark answers by choosing among drafts");
  auto arguments = std::make_shared<SelectArguments>();
  SelectArguments& a = *arguments;
  command->add_option("DRAFTS", a.drafts, "JSON Lines: {\"account\": ..., \"drafts\": [\"...\", \"...\"]}")->required();
  a.mark.add_to(*command);
  command->add_option("--out", a.out, "Where the answers go, a line for a line")->capture_default_str();
  command->add_option("--evidence", a.evidence, "Append the drafts' sketches here (docs/formats/evidence.md)");
  command->footer(
      "Of each line's drafts the one with the highest keyed score over windows that its account was not given before.\n"
      "What the marks can prove later needs the evidence; keep it as long as the answers matter.\n\n"
      "Example:\n"
      "  stillwatch watermark select --key-file master.key --label campaign:3f2a --evidence evidence.jsonl "
      "drafts.jsonl\n\n"
      "Exit status:\n"
      "  0  done\n"
      "  2  the command line is wrong\n"
      "  3  an input is missing or broken\n"
      "  4  the machine failed");
  command->callback([arguments, &status] { status = select(*arguments); });
}

void add_canaries(CLI::App& watermark, int& status) {
  auto* command = watermark.add_subcommand("canaries", "Make a pool of canaries and commit to it");
  auto arguments = std::make_shared<CanaryArguments>();
  CanaryArguments& a = *arguments;
  command->add_option("--key-file", a.key_file, "The master key")->required();
  command->add_option("--label", a.label, "A name for the pool; the same name is the same pool")->required();
  command->add_option("--size", a.size, "Canaries")->capture_default_str()->check(CLI::Range(1, 100'000));
  command->add_option("--evidence", a.evidence, "Append the commitment here, before any canary is given to anybody");
  command->add_option("--out", a.out, "Write the pool, a sentence a line: secret until it is used as proof");
  command->footer(
      "Prints the pool's hash. Publish it, or leave it with a third party: it proves later that the pool was not made\n"
      "up afterwards.\n\n"
      "Example:\n"
      "  stillwatch watermark canaries --key-file master.key --label canaries:2026 --evidence evidence.jsonl\n\n"
      "Exit status:\n"
      "  0  done\n"
      "  2  the command line is wrong\n"
      "  3  an input is missing or broken\n"
      "  4  the machine failed");
  command->callback([arguments, &status] { status = commit_canaries(*arguments); });
}

}  // namespace

void add_watermark(CLI::App& app, int& status) {
  auto* watermark = app.add_subcommand("watermark", "Mark answers, and find marks in texts");
  watermark->require_subcommand(1);
  watermark->footer(
      "Examples:\n"
      "  stillwatch watermark key --out master.key\n"
      "  stillwatch watermark detect --help\n\n"
      "Exit status: as of the subcommands.");
  auto* key = watermark->add_subcommand("key", "Make a master key, of which all keys of marks are derived");
  auto out = std::make_shared<std::string>();
  key->add_option("--out", *out, "The file; it must not be there yet. Keep it secret and safe")->required();
  key->footer(
      "Example:\n  stillwatch watermark key --out master.key\n\nExit status:\n  0  written\n  3  it is there already\n "
      " 4  it "
      "cannot be written");
  key->callback([out, &status] { status = make_key(*out); });
  add_detect(*watermark, status);
  add_select(*watermark, status);
  add_canaries(*watermark, status);
  add_plan(*watermark, status);
}

}  // namespace stillwatch::apps
