#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "base/hash.h"
#include "files.h"
#include "journal.h"
#include "lab.h"
#include "range/harvest_curve.h"
#include "range/inheritance.h"
#include "range/ladder.h"
#include "range/loop_report.h"
#include "range/trials_report.h"

namespace stillwatch::apps {
namespace {

using base::ErrorCode;
using base::Result;

struct Arguments {
  std::string teacher = "data/teacher";
  std::string base = "data/range/base.yaml";
  std::string student = "data/range/student.yaml";
  std::string honest = "data/population/honest.yaml";
  std::string live = "data/range/live.yaml";
  std::string prompts = "data/prompts";
  std::string out;
  std::string writer;
  std::string writing_base = "data/range/writing-base.yaml";
  std::string writing_student = "data/range/writing-student.yaml";
  uint64_t seeds = 3;
  uint64_t full_seeds = 1, curve_seeds = 3;
  std::vector<uint64_t> exchanges{100, 300, 1000, 3000, 10'000};
  bool quick = false;
  range::LadderSettings ladder;
  range::Settings settings;
};

Result<population::Config> read_population(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  return population::Config::parse(*text, path);
}

Result<training::Recipe> read_recipe(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  return training::Recipe::parse(*text, path);
}

Result<void> write_reports(const std::string& folder, const std::string& json, const std::string& html) {
  if (auto ok = write_file(folder + "/range.json", [&](const Write& write) { write(json); }); !ok) return ok;
  return write_file(folder + "/range.html", [&](const Write& write) { write(html); });
}

// A clock that begins at 0.
std::function<double()> stopwatch() {
  return [start = std::chrono::steady_clock::now()] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
}

range::Tell teller() {
  return [seconds = stopwatch()](const std::string& line) { fmt::print(stderr, "{:5.0f} s  {}\n", seconds(), line); };
}

// What both kinds of run read.
struct Read {
  model::Model teacher;
  training::Plan student;
  population::Config honest, live;
  population::Prompts prompts;

  range::Inputs view() const { return {teacher, student, honest, live, prompts}; }
};

Result<Read> read_inputs(const Arguments& a) {
  auto teacher = load_talking(a.teacher);
  if (!teacher) return tl::unexpected(teacher.error());
  auto student = read_recipe(a.student);
  if (!student) return tl::unexpected(student.error());
  auto honest = read_population(a.honest);
  if (!honest) return tl::unexpected(honest.error());
  auto live = read_population(a.live);
  if (!live) return tl::unexpected(live.error());
  auto prompts = population::Prompts::load({a.prompts});
  if (!prompts) return tl::unexpected(prompts.error());
  return Read{std::move(*teacher), student->plan, std::move(*honest), std::move(*live), std::move(*prompts)};
}

uint64_t hash_of(const model::Weights& weights) {
  uint64_t hash = 0;
  for (const auto& [name, tensor] : weights) {
    const auto bytes = std::as_bytes(std::span(tensor.values));
    hash = base::combine(hash, base::hash64({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  }
  return hash;
}

// What the results of trials depend on, seeds and strengths aside, which stand in their names.
range::Json terms_of(const Arguments& a, const Read& inputs, const std::optional<model::Model>& writer) {
  const auto text = [](uint64_t hash) { return fmt::format("{:016x}", hash); };
  const auto of_file = [&](const std::string& path) { return text(base::hash64(read_file(path).value_or(""))); };
  range::Json terms{{"teacher", text(hash_of(inputs.teacher.weights))},
                    {"base", of_file(a.base)},
                    {"student", of_file(a.student)},
                    {"honest", of_file(a.honest)},
                    {"live", of_file(a.live)},
                    {"problems", a.settings.problems},
                    {"problems_share", a.settings.problems_share},
                    {"test_problems", a.settings.test_problems},
                    {"threads", a.settings.threads}};
  if (writer) {
    terms["writer"] = text(hash_of(writer->weights));
    terms["writing_base"] = of_file(a.writing_base);
    terms["writing_student"] = of_file(a.writing_student);
  }
  return terms;
}

Result<model::Model> make_base(const Arguments& a, const model::Model& teacher, const range::Tell& tell) {
  const auto recipe = read_recipe(a.base);
  if (!recipe) return tl::unexpected(recipe.error());
  tell("training the students' base");
  return range::make_base(*recipe, teacher, a.settings.threads, tell);
}

// The same, made once and then kept in OUT/base.
Result<model::Model> kept_base(const Arguments& a, const model::Model& teacher, const range::Tell& tell) {
  const std::string folder = a.out + "/base";
  if (std::filesystem::exists(folder + "/model.safetensors")) return load_talking(folder);
  auto base = make_base(a, teacher, tell);
  if (!base) return base;
  if (auto ok = make_folder(folder); !ok) return tl::unexpected(ok.error());
  if (auto ok = write_model(folder, *base); !ok) return tl::unexpected(ok.error());
  return base;
}

Result<void> run_trials(const Arguments& a) {
  if (a.out.empty()) return base::fail(ErrorCode::kUsage, "--out FOLDER keeps what was measured");
  if (auto ok = make_folder(a.out); !ok) return ok;
  const std::string path = a.out + "/trials.jsonl";
  auto journal = Journal::open(path, [](std::string_view line) { return range::Json::accept(line); });
  if (!journal) return tl::unexpected(journal.error());
  const auto kept = read_file(path);
  if (!kept) return tl::unexpected(kept.error());
  const auto append = [&](std::string_view line) -> Result<void> {
    if (auto ok = journal->make_room(line.size()); !ok) return ok;
    if (auto ok = journal->append(line); !ok) return ok;
    return journal->sync();
  };
  auto inputs = read_inputs(a);
  if (!inputs) return tl::unexpected(inputs.error());
  std::optional<model::Model> writer;
  if (!a.writer.empty()) {
    auto loaded = model::load_model(a.writer);
    if (!loaded) return tl::unexpected(loaded.error());
    writer = std::move(*loaded);
  }
  auto ledger = range::Ledger::open(*kept, path, terms_of(a, *inputs, writer), append);
  if (!ledger) return tl::unexpected(ledger.error());
  const range::Tell tell = teller();
  range::TrialResults results;
  if (writer) {
    const auto base = read_recipe(a.writing_base);
    if (!base) return tl::unexpected(base.error());
    const auto student = read_recipe(a.writing_student);
    if (!student) return tl::unexpected(student.error());
    range::InheritanceSettings settings;
    settings.seed = a.settings.seed;
    settings.threads = a.settings.threads;
    auto result = range::run_inheritance(settings, *base, student->plan, *writer, *ledger, tell);
    if (!result) return tl::unexpected(result.error());
    results.inheritance = std::move(*result);
  }
  const auto base = kept_base(a, inputs->teacher, tell);
  if (!base) return tl::unexpected(base.error());
  for (uint64_t i = 0; i < a.seeds; ++i) {
    range::LadderSettings settings = a.ladder;
    settings.range = a.settings;
    settings.range.seed += i;
    settings.core = i >= a.full_seeds;
    settings.seconds = stopwatch();
    auto result = range::run_ladder(settings, inputs->view(), *base, *ledger, tell);
    if (!result) return tl::unexpected(result.error());
    results.ladders.push_back(std::move(*result));
  }
  for (uint64_t i = 0; i < a.curve_seeds; ++i) {
    const range::CurveSettings settings{.seed = a.settings.seed + i,
                                        .exchanges = a.exchanges,
                                        .test_problems = a.settings.test_problems,
                                        .threads = a.settings.threads};
    auto result = range::run_curve(settings, inputs->view(), *base, *ledger, tell);
    if (!result) return tl::unexpected(result.error());
    results.curves.push_back(std::move(*result));
  }
  tell("done");
  fmt::print("{}", range::to_terminal(results));
  if (auto ok = write_file(a.out + "/curves.svg", [&](const Write& write) { write(range::to_svg(results)); }); !ok)
    return ok;
  return write_reports(a.out, range::to_json(results), range::to_html(results));
}

Result<void> run(const Arguments& a) {
  if (!a.quick) return run_trials(a);
  auto inputs = read_inputs(a);
  if (!inputs) return tl::unexpected(inputs.error());
  if (!a.out.empty()) {
    if (auto ok = make_folder(a.out); !ok) return ok;
  }
  const range::Tell tell = teller();
  const auto base = make_base(a, inputs->teacher, tell);
  if (!base) return tl::unexpected(base.error());
  const auto loop = range::run(a.settings, inputs->view(), *base, tell);
  if (!loop) return tl::unexpected(loop.error());
  tell("done");
  fmt::print("{}", range::to_terminal(*loop));
  if (a.out.empty()) return {};
  return write_reports(a.out, range::to_json(*loop), range::to_html(*loop));
}

}  // namespace

void add_range(CLI::App& app, int& status) {
  auto* command =
      app.add_subcommand("range", "Harvest a teacher under an operator's eyes and see what students make of it");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  a.settings.threads = std::max(1u, std::thread::hardware_concurrency());
  command->add_flag("--quick", a.quick, "One harvest, four students, some minutes; without it the trials");
  command->add_option("--teacher", a.teacher, "Folder of the teacher")->capture_default_str();
  command->add_option("--base", a.base, "The recipe of what students go on from (YAML, docs/model.md)")
      ->capture_default_str();
  command->add_option("--student", a.student, "The students' recipe, whose plan counts")->capture_default_str();
  command->add_option("--writer", a.writer, "For the trials of marks: a model that writes texts by itself");
  command->add_option("--seeds", a.seeds, "Of the trials, from --seed on")
      ->capture_default_str()
      ->check(CLI::Range(0, 100));
  command->add_option("--full-seeds", a.full_seeds, "Of these, with every arm")
      ->capture_default_str()
      ->check(CLI::Range(0, 100));
  command->add_option("--curve-seeds", a.curve_seeds, "Of the curves over exchanges, from --seed on")
      ->capture_default_str()
      ->check(CLI::Range(0, 100));
  command->add_option("--exchanges", a.exchanges, "Of the curves, one after another or with commas")
      ->capture_default_str()
      ->delimiter(',')
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--strength", a.ladder.strength, "Of antidistillation, where students learn from it")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 1000.0));
  command->add_option("--writing-base", a.writing_base, "The recipe of what its students go on from")
      ->capture_default_str();
  command->add_option("--writing-student", a.writing_student, "The recipe of its students, whose plan counts")
      ->capture_default_str();
  command->add_option("--honest", a.honest, "Honest traffic to calibrate on (YAML, docs/population.md)")
      ->capture_default_str();
  command->add_option("--live", a.live, "Other traffic, with one account in it that distils")->capture_default_str();
  command->add_option("--prompts", a.prompts, "Folder of the honest traffic's prompts")->capture_default_str();
  command->add_option("--problems", a.settings.problems, "That the harvester wants answered")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--problems-share", a.settings.problems_share, "Of what it asks")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 1.0));
  command->add_option("--test-problems", a.settings.test_problems, "To examine on")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--seed", a.settings.seed, "Of everything that is drawn")->capture_default_str();
  command->add_option("--threads", a.settings.threads, "Cores to use")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_option("--out", a.out, "Folder for range.json and range.html, and for what the trials go on from");
  command->footer(
      "The same arguments give the same report on the same machine. Example, in the source folder:\n"
      "  stillwatch-lab range --quick --out range\n"
      "  stillwatch-lab range --out trials --writer stories260K.bin\n\n"
      "Trials that were stopped go on where they were, by the same command.\n\n"
      "Exit status: 0 done, 2 usage or configuration, 3 an input is missing or broken, 4 the report cannot be "
      "written.");
  command->callback([arguments, &status] {
    const auto done = run(*arguments);
    status = done ? kClean : complain(done.error());
  });
}

}  // namespace stillwatch::apps
