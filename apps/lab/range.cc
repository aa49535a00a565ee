#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "files.h"
#include "lab.h"
#include "range/loop_report.h"

namespace stillwatch::apps {
namespace {

using base::ErrorCode;
using base::Result;

struct Arguments {
  std::string teacher = "data/teacher";
  std::string student = "data/range/student.yaml";
  std::string honest = "data/population/honest.yaml";
  std::string live = "data/range/live.yaml";
  std::string prompts = "data/prompts";
  std::string out;
  bool quick = false;
  range::Settings settings;
};

Result<population::Config> read_population(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  return population::Config::parse(*text, path);
}

Result<void> run(const Arguments& a) {
  if (!a.quick) return base::fail(ErrorCode::kUsage, "name what to run: --quick is what there is");
  auto teacher = load_talking(a.teacher);
  if (!teacher) return tl::unexpected(teacher.error());
  const auto text = read_file(a.student);
  if (!text) return tl::unexpected(text.error());
  auto student = training::Recipe::parse(*text, a.student);
  if (!student) return tl::unexpected(student.error());
  auto honest = read_population(a.honest);
  if (!honest) return tl::unexpected(honest.error());
  auto live = read_population(a.live);
  if (!live) return tl::unexpected(live.error());
  const auto prompts = population::Prompts::load({a.prompts});
  if (!prompts) return tl::unexpected(prompts.error());
  if (!a.out.empty()) {
    std::error_code error;
    std::filesystem::create_directories(a.out, error);
    if (error) return base::fail(ErrorCode::kInternal, fmt::format("{}: cannot be made: {}", a.out, error.message()));
  }

  const auto start = std::chrono::steady_clock::now();
  const auto tell = [&](const std::string& line) {
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - start;
    fmt::print(stderr, "{:5.0f} s  {}\n", since.count(), line);
  };
  const auto loop =
      range::run(a.settings, {*teacher, std::move(*student), std::move(*honest), std::move(*live), *prompts}, tell);
  if (!loop) return tl::unexpected(loop.error());
  tell("done");
  fmt::print("{}", range::to_terminal(*loop));
  if (a.out.empty()) return {};
  if (auto ok = write_file(a.out + "/range.json", [&](const Write& write) { write(range::to_json(*loop)); }); !ok)
    return ok;
  return write_file(a.out + "/range.html", [&](const Write& write) { write(range::to_html(*loop)); });
}

}  // namespace

void add_range(CLI::App& app, int& status) {
  auto* command =
      app.add_subcommand("range", "Harvest a teacher under an operator's eyes and see what students make of it");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  a.settings.threads = std::max(1u, std::thread::hardware_concurrency());
  command->add_flag("--quick", a.quick, "One harvest, four students, some minutes");
  command->add_option("--teacher", a.teacher, "Folder of the teacher")->capture_default_str();
  command->add_option("--student", a.student, "The students' recipe (YAML, docs/model.md)")->capture_default_str();
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
  command->add_option("--out", a.out, "Folder for range.json and range.html");
  command->footer(
      "The same arguments give the same report on the same machine. Example, in the source folder:\n"
      "  stillwatch-lab range --quick --out range\n\n"
      "Exit status: 0 done, 2 usage or configuration, 3 an input is missing or broken, 4 the report cannot be "
      "written.");
  command->callback([arguments, &status] {
    const auto done = run(*arguments);
    status = done ? kClean : complain(done.error());
  });
}

}  // namespace stillwatch::apps
