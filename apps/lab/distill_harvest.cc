#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>

#include "distill/harvest.h"
#include "files.h"
#include "journal.h"
#include "lab.h"
#include "progress.h"

namespace stillwatch::apps {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;

struct Arguments {
  std::string teacher;
  std::string model;
  std::string prompts;
  std::string out;
  std::string interface = "reasoning";
  std::string api_key_env;
  std::string proxy;
  double temperature = -1;
  double top_p = -1;
  int answer_tokens = 0;
  int top_logprobs = 20;
  double price_in = 0, price_out = 0;
  distill::HarvestOptions options;
  int attempts = 6;
  int timeout_s = 600;
  bool quiet = false;
};

milliseconds monotonic_now() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

base::Time wall_now() {
  return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

distill::Harvest* running = nullptr;

void on_interrupt(int) {
  static volatile std::sig_atomic_t count = 0;
  count = count + 1;
  if (count == 1) {
    running->stop();
  } else {
    running->give_up();
  }
}

// What is in the dataset already; fails where it was harvested on other terms.
base::Result<std::unordered_set<std::string>> rows_in(const std::string& path, const distill::Terms& terms) {
  std::unordered_set<std::string> ids;
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  size_t number = 0, strange = 0;
  for (std::string_view rest = *text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const auto facts = distill::read_row_facts(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (!facts) {
      ++strange;
      continue;
    }
    if (facts->terms != terms.to_json()) {
      return base::fail(ErrorCode::kUsage,
                        fmt::format("{}:{} was harvested on other terms: {} there, {} now; name another --out", path,
                                    number, facts->terms, terms.to_json()));
    }
    ids.insert(facts->id);
  }
  if (strange > 0)
    fmt::print(stderr, "stillwatch-lab: {}: {} of {} lines are no harvested rows and stay as they are\n", path, strange,
               number);
  return ids;
}

std::string summary_of(const distill::HarvestCounts& c, const Arguments& a) {
  std::string text =
      fmt::format("{} of {} rows in {} ({} were there before)\n", c.had + c.kept, c.wanted, a.out, c.had);
  text += fmt::format("{} exchanges, {} tokens in, {} out", c.exchanges, c.prompt_tokens, c.completion_tokens);
  if (a.price_in > 0 || a.price_out > 0) text += fmt::format(", cost {:.4f}", c.cost);
  text += "\n";
  const auto line = [&](uint64_t n, const char* what) {
    if (n > 0) text += fmt::format("  {} {}\n", n, what);
  };
  line(c.cut_short, "answers were cut short by the limit on tokens (kept)");
  line(c.without_usage, "answers came without usage: tokens taken to be of four bytes");
  line(c.without_reasoning, "answers came without the reasoning that was asked for (kept)");
  line(c.without_logprobs, "answers came without the log-probabilities that were asked for (kept)");
  line(c.empty, "answers were empty");
  line(c.no_json, "answers were no JSON");
  line(c.no_completion, "answers were no chat completions");
  line(c.busy, "requests found the teacher busy to the last attempt");
  line(c.refused, "requests were refused");
  line(c.silent, "requests got no answer");
  line(c.extra_attempts, "attempts more than one a request");
  if (c.failed() > 0) text += fmt::format("  those that failed are in {}.rejected and will be asked again\n", a.out);
  return text;
}

int run(Arguments a) {
  distill::Terms& terms = a.options.terms;
  terms.model = a.model;
  terms.interface = *distill::interface_of(a.interface);
  if (a.temperature >= 0) terms.temperature = a.temperature;
  if (a.top_p >= 0) terms.top_p = a.top_p;
  if (a.answer_tokens > 0) terms.max_tokens = a.answer_tokens;
  terms.top_logprobs = a.top_logprobs;
  a.options.price_in = a.price_in;
  a.options.price_out = a.price_out;
  net::ChatEndpoint endpoint{.base_url = a.teacher};
  if (!a.api_key_env.empty()) {
    const char* key = std::getenv(a.api_key_env.c_str());
    if (key == nullptr)
      return complain({ErrorCode::kUsage, fmt::format("the environment has no {}: --api-key-env names the variable "
                                                      "that holds the key",
                                                      a.api_key_env)});
    endpoint.api_key = key;
  }
  const auto text = read_file(a.prompts);
  if (!text) return complain(text.error());
  auto prompts = distill::read_prompts(*text, a.prompts);
  if (!prompts) return complain(prompts.error());

  const auto whole = [](std::string_view line) { return distill::read_row_facts(line).has_value(); };
  auto dataset = Journal::open(a.out, whole);
  if (!dataset) return complain(dataset.error());
  if (dataset->mended() != Journal::Mended::kNothing) {
    fmt::print(stderr, "stillwatch-lab: the last line of {} was torn and has been {}\n", a.out,
               dataset->mended() == Journal::Mended::kCut ? "cut off" : "completed");
  }
  auto had = rows_in(a.out, terms);
  if (!had) return complain(had.error());
  auto rejects = Journal::open(a.out + ".rejected", [](std::string_view) { return false; });
  if (!rejects) return complain(rejects.error());

  auto http = net::HttpClient::create({.now = monotonic_now,
                                       .seed = std::random_device{}(),
                                       .concurrency = a.options.window,
                                       .attempts_max = a.attempts,
                                       .timeout = milliseconds(1000 * int64_t{a.timeout_s}),
                                       .proxy = a.proxy});
  if (!http) return complain(http.error());
  distill::Harvest harvest(std::move(*prompts), std::move(*had), a.options);
  running = &harvest;
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  std::optional<ProgressBar> bar;
  const auto report = harvest.run(**http, endpoint, *dataset, *rejects, wall_now, [&](const distill::HarvestCounts& c) {
    if (!bar) bar.emplace(c.wanted, a.quiet);
    bar->update(c.had + c.kept, [&](double seconds) {
      return fmt::format("{} rows, {:.1f} a second, {} tokens, cost {:.4f}{}", c.had + c.kept,
                         static_cast<double>(c.kept) / seconds, c.prompt_tokens + c.completion_tokens, c.cost,
                         c.failed() > 0 ? fmt::format(", {} failed", c.failed()) : "");
    });
  });
  bar.reset();
  if (!a.quiet) fmt::print(stderr, "{}", summary_of(report.counts, a));
  if (!report.ended_by.empty()) return complain({report.code, report.ended_by});
  if (report.counts.failed() > 0)
    return complain({ErrorCode::kInput,
                     fmt::format("{} prompts have no answer yet: run the same command again", report.counts.failed())});
  return kClean;
}

}  // namespace

void add_distill_harvest(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("harvest", "Ask a teacher and keep its answers, to train on");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--teacher", a.teacher, "Its endpoint, OpenAI-compatible: the URL up to and with /v1")
      ->required();
  command->add_option("--prompts", a.prompts, "JSON lines with `messages` or `prompt` (docs/lab.md)")->required();
  command->add_option("--out", a.out, "The dataset, JSON lines; one that is there is gone on with")->required();
  command->add_option("--model", a.model, "The teacher's name at its endpoint")->capture_default_str();
  command
      ->add_option("--interface", a.interface,
                   "What of the answers to ask for and keep: answers, reasoning, logprobs, reasoning+logprobs")
      ->capture_default_str()
      ->check(CLI::IsMember({"answers", "reasoning", "logprobs", "reasoning+logprobs"}));
  command->add_option("--temperature", a.temperature, "Default: the teacher's own")->check(CLI::Range(0.0, 10.0));
  command->add_option("--top-p", a.top_p, "Default: the teacher's own")->check(CLI::Range(0.0, 1.0));
  command->add_option("--answer-tokens", a.answer_tokens, "At most, of one answer, reasoning included")
      ->check(CLI::Range(1, 1 << 20));
  command->add_option("--top-logprobs", a.top_logprobs, "Alternatives for each token, where log-probabilities are kept")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 16));
  command->add_option("--samples", a.options.samples, "Answers for each prompt")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command->add_option("--concurrency", a.options.window, "Requests at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_option("--max-exchanges", a.options.exchanges_max, "Budget of this run (default: none)");
  command->add_option("--max-tokens", a.options.tokens_max, "Budget of this run, in and out (default: none)");
  command->add_option("--price-in", a.price_in, "Of a million tokens sent")->check(CLI::Range(0.0, 1e6));
  command->add_option("--price-out", a.price_out, "Of a million tokens received")->check(CLI::Range(0.0, 1e6));
  command->add_option("--api-key-env", a.api_key_env, "The environment variable that holds the key");
  command->add_option("--proxy", a.proxy, "URL of a proxy");
  command->add_option("--attempts", a.attempts, "For each request")->capture_default_str()->check(CLI::Range(1, 100));
  command->add_option("--timeout", a.timeout_s, "Seconds for an answer")
      ->capture_default_str()
      ->check(CLI::Range(1, 86'400));
  command->add_flag("--quiet", a.quiet, "Errors only");
  command->footer(
      "Run again, the same command goes on where it ended and asks nothing that was answered. The first interrupt\n"
      "(Ctrl-C) awaits what is under way, the second gives it up. Answers that are none go to OUT.rejected. Example:\n"
      "  stillwatch-lab distill harvest --teacher http://127.0.0.1:8080/v1 --prompts train.jsonl --out "
      "harvest.jsonl\n\n"
      "Exit status: 0 every prompt has its answer, 2 usage, 3 some have none, or the teacher refuses, 4 the file\n"
      "cannot be written.");
  command->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace stillwatch::apps
