#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "attribution/canary_recall.h"
#include "attribution/contrast.h"
#include "attribution/provenance.h"
#include "attribution/radioactivity.h"
#include "base/hash.h"
#include "commands.h"
#include "files.h"
#include "hashed_files.h"
#include "marks.h"
#include "readers.h"
#include "report/attribution.h"
#include "suspect.h"

namespace stillwatch::apps {
namespace {

using base::ErrorCode;
using base::Result;
namespace at = attribution;
namespace wm = watermark;

struct Arguments {
  std::vector<std::string> suspects;
  std::vector<std::string> evidence;
  std::string key_file;
  std::vector<std::string> clean;  // NAME=FILE, NAME=URL
  std::vector<std::string> references;
  ReadArguments read;
  std::string parent;  // NAME=FILE
  std::vector<std::string> controls;
  std::string prompts;
  int samples = 1;
  std::string transcript;
  Endpoint endpoint;
  double canary_others = 2;
  uint64_t wrong_keys = 1000;
  double level = 0.001;
  std::vector<std::string> out;
  std::string fail_on = "never";
};

struct Case {
  HashedFiles files;
  wm::Evidence evidence;
  std::vector<std::pair<wm::Key, const wm::MarkEvidence*>> marks;
  std::vector<std::pair<wm::CanaryPool, const wm::PoolEvidence*>> pools;
  std::vector<at::Sample> suspect;
  std::vector<at::Model> clean;
  std::vector<at::Sample> reference;
  std::set<std::string> canary_prompts;
  ReadingTexts readings;
};

// The keys and pools of the evidence, remade from the master key.
Result<void> open_evidence(const Arguments& a, Case& c) {
  for (const std::string& path : a.evidence) {
    const auto text = read_evidence_text(path);
    if (!text) return tl::unexpected(text.error());
    c.files.note("evidence", path, *text);
    if (auto ok = c.evidence.read(*text, path); !ok) return ok;
  }
  if (c.evidence.marks.empty() && c.evidence.pools.empty()) return {};
  const auto master = read_master(a.key_file);
  if (!master) return tl::unexpected(master.error());
  for (const wm::MarkEvidence& m : c.evidence.marks) {
    const wm::Key key = master->derive(m.label);
    if (key.id() != m.key_id)
      return base::fail(ErrorCode::kInput, fmt::format("the evidence of {} was made with another master key", m.label));
    c.marks.emplace_back(key, &m);
  }
  for (const wm::PoolEvidence& p : c.evidence.pools) {
    wm::CanaryPool pool(master->derive(p.label), p.size);
    if (pool.hash() != p.hash)
      return base::fail(ErrorCode::kInput, fmt::format("the canary pool {} was made with another master key", p.label));
    for (size_t i = 0; i < pool.size(); ++i) c.canary_prompts.insert(canary_prompt(pool[i]));
    c.pools.emplace_back(std::move(pool), &p);
  }
  return {};
}

std::vector<std::string> prompts_of(const std::vector<at::Sample>& samples) {
  std::vector<std::string> prompts;
  for (const at::Sample& s : samples) {
    if (!s.prompt.empty()) prompts.push_back(s.prompt);
  }
  return prompts;
}

// Prompts of a file: of records as they are, or one a line.
Result<std::vector<std::string>> read_prompts(Case& c, const std::string& path) {
  const auto text = c.files.read("prompts", path);
  if (!text) return tl::unexpected(text.error());
  if (text->find_first_not_of(" \t\r\n") != text->npos && (*text)[text->find_first_not_of(" \t\r\n")] == '{') {
    const auto samples = at::read_samples(*text, path);
    if (!samples) return tl::unexpected(samples.error());
    return prompts_of(*samples);
  }
  std::vector<std::string> prompts;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (rest.substr(0, end).find_first_not_of(" \t\r") != rest.npos) prompts.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return prompts;
}

// Asks an endpoint for all that the tests need, and keeps what it said.
Result<std::string> interview(const Arguments& a, Case& c, const std::string& url) {
  Endpoint endpoint = a.endpoint;
  endpoint.url = url;
  std::string transcript;
  if (!a.prompts.empty()) {
    const auto prompts = read_prompts(c, a.prompts);
    if (!prompts) return tl::unexpected(prompts.error());
    auto said = ask(endpoint, *prompts, a.samples);
    if (!said) return said;
    transcript += *said;
  }
  std::vector<std::string> questions;
  for (const auto& [pool, evidence] : c.pools) {
    if (evidence->issued.empty()) continue;
    // Drawn the same way each time: the pool's hash is its seed.
    for (const uint32_t i : at::canaries_to_ask(*evidence, a.canary_others, base::hash64(pool.hash())))
      questions.push_back(canary_prompt(pool[i]));
  }
  if (!questions.empty()) {
    endpoint.temperature = 0;
    endpoint.max_tokens = 24;
    auto said = ask(endpoint, questions, 1);
    if (!said) return said;
    transcript += *said;
  }
  if (transcript.empty() && a.read.texts.empty()) {
    return base::fail(ErrorCode::kUsage,
                      "an endpoint needs something to answer: --prompts, evidence with canaries, or --read-texts");
  }
  return transcript;
}

// Makes all endpoints read the texts, as each kind of mark has units.
Result<void> make_all_read(const Arguments& a, Case& c) {
  const auto readers = readers_of(a.read, a.endpoint, a.suspects, a.references, a.clean);
  if (!readers) return tl::unexpected(readers.error());
  std::set<wm::Units> units;
  for (const auto& [key, mark] : c.marks) units.insert(mark->units);
  if (units.empty()) return base::fail(ErrorCode::kUsage, "--read-texts is for marks, and the evidence has none");
  const auto samples = c.files.samples("read", a.read.texts);
  if (!samples) return tl::unexpected(samples.error());
  std::vector<std::string> texts;
  for (const at::Sample& s : *samples) texts.push_back(s.answer);
  std::string all;
  for (const auto& [by, endpoint] : *readers) {
    for (const wm::Units unit : units) {
      const auto said = make_read(endpoint, texts, unit, by);
      if (!said) return tl::unexpected(said.error());
      c.files.note("reading", endpoint.url, *said);
      c.readings.emplace_back(endpoint.url, *said);
      all += *said;
    }
  }
  if (a.transcript.empty()) return {};
  return write_file(a.transcript + ".readings", [&](const Write& write) { write(all); });
}

Result<void> hear_suspect(const Arguments& a, Case& c) {
  std::string transcript;
  for (const std::string& suspect : a.suspects) {
    const auto text = is_url(suspect) ? interview(a, c, suspect) : c.files.read("suspect", suspect);
    if (!text) return tl::unexpected(text.error());
    if (is_url(suspect)) {
      transcript += *text;
      c.files.note("suspect", suspect, *text);
      if (text->empty()) continue;
    }
    auto samples = at::read_samples(*text, suspect);
    if (!samples) return tl::unexpected(samples.error());
    c.suspect.insert(c.suspect.end(), std::make_move_iterator(samples->begin()),
                     std::make_move_iterator(samples->end()));
  }
  if (!a.transcript.empty()) {
    if (auto ok = write_file(a.transcript, [&](const Write& write) { write(transcript); }); !ok) return ok;
  }
  if (!a.read.texts.empty()) {
    if (auto ok = make_all_read(a, c); !ok) return ok;
  }
  for (const std::string& path : a.read.readings) {
    auto text = c.files.read("reading", path);
    if (!text) return tl::unexpected(text.error());
    c.readings.emplace_back(path, std::move(*text));
  }
  return {};
}

Result<std::vector<at::TestResult>> test_marks(const Arguments& a, const Case& c) {
  std::vector<at::Sample> texts;
  for (const at::Sample& s : c.suspect) {
    if (!c.canary_prompts.contains(s.prompt)) texts.push_back(s);  // those are no texts to look for marks in
  }
  std::vector<at::TestResult> results;
  for (const auto& [key, mark] : c.marks) {
    if (!texts.empty()) {
      for (at::TestResult& t : at::radioactivity(key, *mark, texts, c.clean, a.wrong_keys))
        results.push_back(std::move(t));
    }
    if (!texts.empty() && !c.reference.empty()) {
      for (at::TestResult& t : at::contrast(key, *mark, texts, c.reference, c.clean, a.wrong_keys))
        results.push_back(std::move(t));
    }
    if (c.readings.empty()) continue;
    auto expected = test_readings(c.readings, key, *mark, a.wrong_keys);
    if (!expected) return expected;
    for (at::TestResult& t : *expected) results.push_back(std::move(t));
  }
  return results;
}

std::vector<at::TestResult> test_canaries(const Case& c) {
  std::vector<at::TestResult> results;
  for (const auto& [pool, evidence] : c.pools) {
    if (evidence->issued.empty()) continue;
    std::set<std::string> prompts;
    for (const at::Sample& s : c.suspect) prompts.insert(s.prompt);
    std::vector<uint32_t> asked;
    for (uint32_t i = 0; i < pool.size(); ++i) {
      if (prompts.contains(canary_prompt(pool[i]))) asked.push_back(i);
    }
    const auto recalled = at::recalled(c.suspect, pool);
    for (at::TestResult& t : at::canary_recall(*evidence, recalled, asked.empty() ? nullptr : &asked))
      results.push_back(std::move(t));
  }
  return results;
}

Result<void> test_provenance(const Arguments& a, Case& c, std::vector<at::TestResult>& results) {
  if (a.parent.empty()) return {};
  const auto parent = c.files.model("parent", a.parent);
  if (!parent) return tl::unexpected(parent.error());
  std::vector<at::Model> controls;
  for (const std::string& control : a.controls) {
    auto model = c.files.model("control", control);
    if (!model) return tl::unexpected(model.error());
    controls.push_back(std::move(*model));
  }
  auto t = at::provenance(c.suspect, *parent, controls);
  if (!t) return tl::unexpected(t.error());
  results.push_back(std::move(*t));
  return {};
}

Result<at::Findings> examine(const Arguments& a, Case& c) {
  if (auto ok = open_evidence(a, c); !ok) return tl::unexpected(ok.error());
  for (const std::string& argument : a.clean) {
    if (named_url(argument)) continue;  // it will read
    auto model = c.files.model("clean", argument);
    if (!model) return tl::unexpected(model.error());
    c.clean.push_back(std::move(*model));
  }
  for (const std::string& path : a.references) {
    if (is_url(path)) continue;
    auto samples = c.files.samples("reference", path);
    if (!samples) return tl::unexpected(samples.error());
    c.reference.insert(c.reference.end(), std::make_move_iterator(samples->begin()),
                       std::make_move_iterator(samples->end()));
  }
  if (auto ok = hear_suspect(a, c); !ok) return tl::unexpected(ok.error());
  auto results = test_marks(a, c);
  if (!results) return tl::unexpected(results.error());
  for (at::TestResult& t : test_canaries(c)) results->push_back(std::move(t));
  if (auto ok = test_provenance(a, c, *results); !ok) return tl::unexpected(ok.error());
  return at::conclude(std::move(*results), a.level);
}

int run(const Arguments& a, const std::string& command) {
  if (!a.evidence.empty() && a.key_file.empty())
    return complain({ErrorCode::kUsage, "--evidence needs --key-file, the master key it was made with"});
  if (a.suspects.empty() && a.read.readings.empty())
    return complain({ErrorCode::kUsage, "there is no suspect: give --suspect, or --readings of it"});
  const bool others_read = std::any_of(a.references.begin(), a.references.end(), is_url) ||
                           std::any_of(a.clean.begin(), a.clean.end(), [](const auto& c) { return !!named_url(c); });
  if (others_read && a.read.texts.empty())
    return complain({ErrorCode::kUsage, "the endpoints of --reference and --clean read: give --read-texts"});
  if (a.evidence.empty() && a.parent.empty())
    return complain({ErrorCode::kUsage, "there is nothing to test: give --evidence, or --parent and --control"});
  Case c;
  const auto findings = examine(a, c);
  if (!findings) return complain(findings.error());
  report::AttributionFacts facts;
  facts.made = now();
  facts.program = "stillwatch " STILLWATCH_VERSION;
  facts.command = command;
  for (const std::string& suspect : a.suspects.empty() ? a.read.readings : a.suspects)
    facts.suspect += (facts.suspect.empty() ? "" : ", ") + suspect;
  facts.files = c.files.all();
  facts.wrong_keys = a.wrong_keys;
  bool quiet = false;
  for (const std::string& path : a.out) {
    quiet = quiet || path == "-";
    const auto ok = write_file(path, [&](const Write& write) {
      (path.ends_with(".html") ? report::write_attribution_html : report::write_attribution_json)(*findings, c.evidence,
                                                                                                  facts, write);
    });
    if (!ok) return complain(ok.error());
  }
  if (!quiet) fmt::print("{}", report::attribution_to_terminal(*findings));
  return a.fail_on == "inconsistent" && findings->verdict == at::Verdict::kInconsistent ? kFindings : kClean;
}

std::string command_line() {
  auto text = read_file("/proc/self/cmdline");
  if (!text) return {};
  if (!text->empty()) text->pop_back();
  std::replace(text->begin(), text->end(), '\0', ' ');
  return *text;
}

void add_endpoint(CLI::App& command, Arguments& a) {
  command.add_option("--prompts", a.prompts, "For an endpoint: what to ask, a prompt a line or a data set's prompts");
  command.add_option("--samples", a.samples, "Answers to each prompt")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command.add_option("--model", a.endpoint.model, "The model's name there");
  command.add_option("--api-key-env", a.endpoint.api_key_env, "Environment variable that holds its API key");
  command.add_option("--temperature", a.endpoint.temperature, "Of the answers")->capture_default_str();
  command.add_option("--max-tokens", a.endpoint.max_tokens, "Of an answer")->capture_default_str();
  command.add_option("--concurrency", a.endpoint.concurrency, "Requests at once, of each endpoint")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  command
      .add_option("--canary-others", a.canary_others,
                  "Never issued canaries to ask for, for each that was issued; chance is measured by them")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e6));
  command.add_option("--transcript", a.transcript,
                     "Keep what endpoints said: can be given as --suspect later, and FILE.readings as --readings");
}

}  // namespace

void add_attribute(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("attribute", "Was that model trained on what we served?");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--suspect", a.suspects, "An OpenAI-compatible endpoint (http://HOST/v1), or files of its texts");
  command->add_option("--evidence", a.evidence, "What was remembered of marked answers: files, or a gateway's folder");
  command->add_option("--key-file", a.key_file, "The master key");
  command->add_option(
      "--clean", a.clean,
      "NAME=FILE, NAME=URL: texts of a model that learnt nothing from us, or its endpoint, as a control");
  command->add_option("--reference", a.references,
                      "Texts of the same kind that carry no mark, to hold the suspect's frequencies against; or the "
                      "endpoint of a model that never met the mark, to hold what the suspect expects against");
  a.read.add_to(*command);
  command->add_option("--parent", a.parent, "NAME=FILE: answers of the model that it may come from");
  command->add_option("--control", a.controls,
                      "NAME=FILE: answers of a model that has nothing to do with it; two at least");
  add_endpoint(*command, a);
  command->add_option("--wrong-keys", a.wrong_keys, "Keys that marked nothing, as a control of every test")
      ->capture_default_str()
      ->check(CLI::Range(0, 1'000'000));
  command->add_option("--level", a.level, "The p-value, after correction, that is inconsistent with chance")
      ->capture_default_str()
      ->check(CLI::Range(1e-12, 0.05));
  command->add_option("--out", a.out, "The report: a page if it ends in .html, else JSON; - for standard output");
  command->add_option("--fail-on", a.fail_on, "Exit with 1 if that is the verdict")
      ->capture_default_str()
      ->check(CLI::IsMember({"never", "inconsistent"}));
  command->footer(
      "Tests for the marks and canaries of the evidence, and for provenance if a parent is given. Every p-value is "
      "exact,\n"
      "corrected for the number of tests, and run on controls; the report holds all that is needed to do it again, and "
      "says\n"
      "what else would explain it. A model file is tested through `stillwatch-lab serve`.\n\n"
      "Examples:\n"
      "  stillwatch attribute --suspect answers.jsonl --evidence evidence.jsonl --key-file master.key --out "
      "report.html\n"
      "  stillwatch attribute --suspect http://127.0.0.1:9000/v1 --model m --prompts prompts.txt --evidence "
      "evidence.jsonl\\\n"
      "    --key-file master.key --clean llama=clean.jsonl --out report.json --out report.html\n"
      "  stillwatch attribute --suspect http://127.0.0.1:9000/v1 --model m --reference http://127.0.0.1:9001/v1 \\\n"
      "    --read-texts unmarked.jsonl --evidence evidence.jsonl --key-file master.key --out report.html\n"
      "  stillwatch attribute --suspect alpaca.jsonl --parent davinci=davinci.jsonl --control a=a.jsonl --control "
      "b=b.jsonl\n\n"
      "Exit status:\n"
      "  0  tested, whatever the result\n"
      "  1  tested, and --fail-on names the verdict\n"
      "  2  the command line is wrong\n"
      "  3  an input is missing or broken, or the suspect answers nothing\n"
      "  4  the machine failed");
  command->callback([arguments, &status] { status = run(*arguments, command_line()); });
}

}  // namespace stillwatch::apps
