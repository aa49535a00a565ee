#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "distill/exam.h"
#include "files.h"
#include "lab.h"
#include "model/folder.h"

namespace stillwatch::apps {
namespace {

using base::Result;

struct Arguments {
  std::string model;
  std::string data;
  std::string out;
  uint64_t count = 1000;
  uint32_t tokens_max = 256;
  uint32_t concurrency = 64;
  bool no_reasoning = false;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
};

Result<void> exam(const Arguments& a) {
  auto loaded = load_talking(a.model);
  if (!loaded) return tl::unexpected(loaded.error());
  const auto text = read_file(a.data);
  if (!text) return tl::unexpected(text.error());
  const auto questions = distill::read_questions(*text, a.data, a.count);
  if (!questions) return tl::unexpected(questions.error());
  const model::Transformer transformer(loaded->config, std::move(loaded->weights));
  distill::AnswerOptions options;
  options.tokens_max = a.tokens_max;
  options.at_once = a.concurrency;
  options.threads = a.threads;
  options.reasoning = !a.no_reasoning;
  const auto exam = distill::examine(transformer, *loaded->marks, loaded->tokenizer, *questions, options);
  if (!exam) return tl::unexpected(exam.error());
  const auto [low, high] = exam->all.interval();
  fmt::print("right {} of {} ({:.1f} %, 95 % interval {:.1f} to {:.1f}), {} tokens\n", exam->all.right, exam->all.of,
             100 * exam->all.share(), 100 * low, 100 * high, exam->tokens);
  for (const auto& [level, tally] : exam->levels) fmt::print("  level {}: {} of {}\n", level, tally.right, tally.of);
  if (a.out.empty()) return {};
  return write_file(a.out, [&](const Write& write) {
    for (size_t i = 0; i < questions->size(); ++i) {
      const distill::Question& q = (*questions)[i];
      const distill::Answer& said = exam->answers[i];
      const nlohmann::ordered_json row{{"question", q.asked.back().content},
                                       {"reasoning", said.reasoning},
                                       {"said", said.content},
                                       {"answer", q.answer},
                                       {"structure", q.structure},
                                       {"level", q.level},
                                       {"right", static_cast<bool>(exam->right[i])}};
      write(row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    }
  });
}

}  // namespace

void add_exam(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("exam", "Let a model answer problems and count what is right");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--model", a.model, "Folder of the model")->required();
  command->add_option("--data", a.data, "Problems with an `answer`, as `problems` writes them")->required();
  command->add_option("--count", a.count, "Of these, the first")->capture_default_str();
  command->add_option("--out", a.out, "What it said to each, JSON lines");
  command->add_option("--tokens-max", a.tokens_max, "Tokens an answer may have")->capture_default_str();
  command->add_flag("--no-reasoning", a.no_reasoning, "Forbid the mark that begins reasoning");
  command->add_option("--concurrency", a.concurrency, "Answers at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  command->add_option("--threads", a.threads, "Cores to use")->capture_default_str()->check(CLI::Range(1, 1024));
  command->footer(
      "Greedy answers: the same model gives the same. Example:\n"
      "  stillwatch-lab exam --model data/teacher --data test.jsonl\n\n"
      "Exit status: 0 done, 2 usage, 3 model or data missing or broken, 4 the file cannot be written.");
  command->callback([arguments, &status] {
    const auto done = exam(*arguments);
    status = done ? kClean : complain(done.error());
  });
}

}  // namespace stillwatch::apps
