#include <fmt/format.h>

#include <ctime>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "distill/evaluation.h"
#include "files.h"
#include "lab.h"
#include "training/cpu_network.h"

namespace stillwatch::apps {
namespace {

using base::Result;
using Json = nlohmann::ordered_json;

struct Arguments {
  std::string student, teacher, data, json;
  uint64_t count = 1000;
  uint32_t tokens_max = 256;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
};

struct Side {
  model::Model model;
  distill::Exam exam;
  double exam_cpu_seconds = 0;
  std::optional<distill::Cost> cost;  // nothing: its folder does not tell
  std::optional<distill::Likeness> likeness;
};

Result<Side> examined(const std::string& folder, const std::vector<distill::Question>& questions, const Arguments& a) {
  auto loaded = load_talking(folder);
  if (!loaded) return tl::unexpected(loaded.error());
  Side side{std::move(*loaded), {}, 0, {}, {}};
  const model::Transformer transformer(side.model.config, side.model.weights);
  distill::AnswerOptions options;
  options.tokens_max = a.tokens_max;
  options.threads = a.threads;
  const std::clock_t begin = std::clock();
  auto exam = distill::examine(transformer, *side.model.marks, side.model.tokenizer, questions, options);
  if (!exam) return tl::unexpected(exam.error());
  side.exam_cpu_seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  side.exam = std::move(*exam);
  const std::string told = folder + "/training.json";
  if (std::filesystem::exists(told)) {
    const auto text = read_file(told);
    if (!text) return tl::unexpected(text.error());
    const auto cost = distill::read_cost(*text, told);
    if (!cost) return tl::unexpected(cost.error());
    side.cost = *cost;
  }
  return side;
}

Result<void> hold_against(Side& side, const std::vector<model::Conversation>& written, unsigned threads) {
  const auto examples = model::examples_of(written, *side.model.marks, side.model.tokenizer);
  auto network = training::make_cpu_network(side.model.config, side.model.weights, threads);
  if (!network) return tl::unexpected(network.error());
  auto likeness = distill::likeness(**network, examples);
  if (!likeness) return tl::unexpected(likeness.error());
  side.likeness = *likeness;
  return {};
}

double speed_of(const Side& s) {
  return s.exam_cpu_seconds > 0 ? static_cast<double>(s.exam.tokens) / s.exam_cpu_seconds : 0;
}

Json json_of(const distill::Tally& t) {
  const auto [low, high] = t.interval();
  return {{"right", t.right}, {"of", t.of}, {"share", t.share()}, {"low", low}, {"high", high}};
}

Json json_of(const Side& s) {
  Json j{{"parameters", s.model.config.parameters()}, {"accuracy", json_of(s.exam.all)}};
  for (const auto& [level, tally] : s.exam.levels) j["levels"][std::to_string(level)] = json_of(tally);
  j["answer_tokens"] = s.exam.tokens;
  j["tokens_per_cpu_second"] = speed_of(s);
  if (s.likeness) {
    j["teachers_text"] = {
        {"tokens", s.likeness->tokens}, {"foretold", s.likeness->foretold}, {"perplexity", s.likeness->perplexity()}};
  }
  if (s.cost) {
    j["training"] = {{"flop", s.cost->operations},
                     {"tokens", s.cost->tokens},
                     {"cpu_seconds", s.cost->cpu_seconds},
                     {"inherited_flop", s.cost->inherited}};
    j["bought"] = {{"exchanges", s.cost->exchanges},
                   {"prompt_tokens", s.cost->prompt_tokens},
                   {"completion_tokens", s.cost->completion_tokens}};
  }
  return j;
}

// One line a measure: the student's, the teacher's if there is one, and the first as a share of the second.
class Table {
 public:
  explicit Table(const Side* teacher) : teacher_(teacher) {
    fmt::print("{:<40}{:>14}", "", "student");
    if (teacher != nullptr) fmt::print("{:>14}{:>10}", "teacher", "ratio");
    fmt::print("\n");
  }
  template <typename Measure>
  void row(const char* name, const Side& student, const char* format, const Measure& measure) const {
    const std::optional<double> mine = measure(student);
    const std::optional<double> its = teacher_ != nullptr ? measure(*teacher_) : std::nullopt;
    if (!mine && !its) return;
    const auto cell = [&](const std::optional<double>& x) { return x ? fmt::format(fmt::runtime(format), *x) : "-"; };
    fmt::print("{:<40}{:>14}", name, cell(mine));
    if (teacher_ != nullptr)
      fmt::print("{:>14}{:>10}", cell(its), mine && its && *its > 0 ? fmt::format("{:.1f} %", 100 * *mine / *its) : "");
    fmt::print("\n");
  }

 private:
  const Side* teacher_;
};

void print_table(const Side& student, const Side* teacher) {
  using Value = std::optional<double>;
  const Table table(teacher);
  table.row("parameters", student, "{:.0f}",
            [](const Side& s) { return Value(static_cast<double>(s.model.config.parameters())); });
  table.row("right, %", student, "{:.1f}", [](const Side& s) { return Value(100 * s.exam.all.share()); });
  table.row("  95 % interval, from", student, "{:.1f}",
            [](const Side& s) { return Value(100 * s.exam.all.interval().low); });
  table.row("  to", student, "{:.1f}", [](const Side& s) { return Value(100 * s.exam.all.interval().high); });
  table.row("perplexity of the teacher's text", student, "{:.3f}",
            [](const Side& s) { return s.likeness ? Value(s.likeness->perplexity()) : Value(); });
  table.row("tokens of it foretold, %", student, "{:.1f}", [](const Side& s) {
    return s.likeness && s.likeness->tokens > 0
               ? Value(100.0 * static_cast<double>(s.likeness->foretold) / static_cast<double>(s.likeness->tokens))
               : Value();
  });
  table.row("answers, tokens a CPU second", student, "{:.0f}", [](const Side& s) { return Value(speed_of(s)); });
  const auto cost = [&](const char* name, const char* format, double distill::Cost::*part) {
    table.row(name, student, format, [part](const Side& s) { return s.cost ? Value((*s.cost).*part) : Value(); });
  };
  cost("training, FLOP (estimate)", "{:.3g}", &distill::Cost::operations);
  cost("  tokens", "{:.0f}", &distill::Cost::tokens);
  cost("  CPU seconds", "{:.0f}", &distill::Cost::cpu_seconds);
  table.row("  not counted: of the weights it began with", student, "{:.3g}",
            [](const Side& s) { return s.cost && s.cost->inherited > 0 ? Value(s.cost->inherited) : Value(); });
  cost("bought, exchanges", "{:.0f}", &distill::Cost::exchanges);
  cost("  tokens of prompts", "{:.0f}", &distill::Cost::prompt_tokens);
  cost("  tokens of answers", "{:.0f}", &distill::Cost::completion_tokens);
}

// How a student's answers are its teacher's.
struct Likeness {
  distill::Retention kept;
  distill::Tally agreement, shared_errors;
};

Result<void> evaluate(const Arguments& a) {
  const auto text = read_file(a.data);
  if (!text) return tl::unexpected(text.error());
  const auto questions = distill::read_questions(*text, a.data, a.count);
  if (!questions) return tl::unexpected(questions.error());
  auto student = examined(a.student, *questions, a);
  if (!student) return tl::unexpected(student.error());
  Json out{{"questions", questions->size()}};
  std::optional<Side> teacher;
  std::optional<Likeness> likeness;
  if (!a.teacher.empty()) {
    auto its = examined(a.teacher, *questions, a);
    if (!its) return tl::unexpected(its.error());
    teacher = std::move(*its);
    const auto written = distill::conversations_of(*questions, teacher->exam);
    for (Side* side : {&*student, &*teacher}) {
      if (auto ok = hold_against(*side, written, a.threads); !ok) return ok;
    }
    out["same_tokens"] = student->model.tokenizer.fingerprint() == teacher->model.tokenizer.fingerprint();
    out["teacher"] = json_of(*teacher);
    likeness = {distill::retention(student->exam, teacher->exam), distill::agreement(student->exam, teacher->exam),
                distill::shared_errors(student->exam, teacher->exam)};
    const distill::Retention& kept = likeness->kept;
    out["accuracy_kept"] = {
        {"share", kept.share()},   {"low", kept.interval().low},          {"high", kept.interval().high},
        {"both_right", kept.both}, {"student_alone", kept.student_alone}, {"teacher_alone", kept.teacher_alone}};
    out["agreement"] = json_of(likeness->agreement);
    out["shared_errors"] = json_of(likeness->shared_errors);
  }
  out["student"] = json_of(*student);
  if (a.json == "-") {
    fmt::print("{}\n", out.dump(2));
    return {};
  }
  print_table(*student, teacher ? &*teacher : nullptr);
  if (likeness) {
    const auto line = [](const char* what, const distill::Tally& t) {
      const auto [low, high] = t.interval();
      fmt::print("{}: {} of {} ({:.1f} %, 95 % interval {:.1f} to {:.1f})\n", what, t.right, t.of, 100 * t.share(),
                 100 * low, 100 * high);
    };
    const auto [low, high] = likeness->kept.interval();
    fmt::print(
        "accuracy kept: {:.1f} % (95 % interval {:.1f} to {:.1f}); {} both right, {} the student alone, {} the "
        "teacher\n",
        100 * likeness->kept.share(), 100 * low, 100 * high, likeness->kept.both, likeness->kept.student_alone,
        likeness->kept.teacher_alone);
    line("same answer as the teacher", likeness->agreement);
    line("same wrong answer where the teacher errs", likeness->shared_errors);
    if (!out["same_tokens"].get<bool>()) fmt::print("perplexities are of different tokens: do not compare them\n");
  }
  if (a.json.empty()) return {};
  return write_file(a.json, [&](const Write& write) { write(out.dump(2) + "\n"); });
}

}  // namespace

void add_distill_eval(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("eval", "Hold a student against its teacher: accuracy, likeness, cost");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--student", a.student, "Folder of the student")->required();
  command->add_option("--teacher", a.teacher, "Folder of the teacher");
  command->add_option("--data", a.data, "Problems with an `answer`, as `problems` writes them")->required();
  command->add_option("--count", a.count, "Of these, the first")->capture_default_str();
  command->add_option("--tokens-max", a.tokens_max, "Tokens an answer may have")->capture_default_str();
  command->add_option("--json", a.json, "The same as JSON, to a file; -: instead of the table");
  command->add_option("--threads", a.threads, "Cores to use")->capture_default_str()->check(CLI::Range(1, 1024));
  command->footer(
      "Greedy answers: the same models give the same, but for speed. What training took is read from training.json in\n"
      "each folder. Example:\n"
      "  stillwatch-lab distill eval --student student --teacher data/teacher --data test.jsonl\n\n"
      "Exit status: 0 done, 2 usage, 3 a model or the data missing or broken, 4 the file cannot be written.");
  command->callback([arguments, &status] {
    const auto done = evaluate(*arguments);
    status = done ? kClean : complain(done.error());
  });
}

}  // namespace stillwatch::apps
