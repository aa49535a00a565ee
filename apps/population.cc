#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <memory>
#include <optional>

#include "commands.h"
#include "files.h"
#include "population/simulation.h"

namespace stillwatch::apps {
namespace {

struct Arguments {
  std::string config;
  std::string prompts;
  std::string timing;
  std::optional<uint64_t> seed;
  std::string out;
  std::string truth;
};

// The log, gzip if its name says so; `-` is standard output.
class Log {
 public:
  explicit Log(const std::string& path)
      : file_(path == "-" ? gzdopen(::dup(STDOUT_FILENO), "wbT")
                          : gzopen(path.c_str(), path.ends_with(".gz") ? "wb1" : "wbT")) {
    if (file_ != nullptr) gzbuffer(file_, 1 << 20);
  }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log() {
    if (file_ != nullptr) gzclose(file_);
  }
  bool write(const std::string& text) {
    return file_ != nullptr &&
           gzwrite(file_, text.data(), static_cast<unsigned>(text.size())) == static_cast<int>(text.size());
  }
  bool close() {
    const bool ok = file_ != nullptr && gzclose(file_) == Z_OK;
    file_ = nullptr;
    return ok;
  }

 private:
  gzFile file_;
};

int run(const Arguments& a) {
  const auto text = read_file(a.config);
  if (!text) return complain(text.error());
  auto config = population::Config::parse(*text, a.config);
  if (!config) return complain(config.error());
  if (a.seed) config->seed = *a.seed;
  const auto prompts = population::Prompts::load({a.prompts});
  if (!prompts) return complain(prompts.error());
  population::Timing timing;
  if (!a.timing.empty()) {
    auto loaded = population::Timing::load(a.timing);
    if (!loaded) return complain(loaded.error());
    timing = std::move(*loaded);
  }
  auto simulation = population::Simulation::start(std::move(*config), *prompts, std::move(timing));
  if (!simulation) return complain(simulation.error());
  const base::Error full{base::ErrorCode::kInternal,
                         fmt::format("{} cannot be written: is the folder there, is the disk full?", a.out)};
  Log log(a.out);
  std::string line;
  uint64_t lines = 0;
  while (simulation->next(line)) {
    if (!log.write(line)) return complain(full);
    ++lines;
  }
  if (!log.close()) return complain(full);
  const auto ok = write_file(a.truth, [&](const Write& write) {
    for (const population::Truth& truth : simulation->truths()) write(to_json(truth));
  });
  if (!ok) return complain(ok.error());
  fmt::print(stderr, "{} exchanges of {} accounts\n", lines, simulation->truths().size());
  if (simulation->ran_dry() > 0) {
    fmt::print(stderr,
               "{} accounts had nothing left to ask before all was sent that was planned: fewer exchanges, a smaller "
               "campaign_size or more sources would mend that\n",
               simulation->ran_dry());
  }
  return kClean;
}

}  // namespace

void add_population(CLI::App& app, int& status) {
  auto* command =
      app.add_subcommand("population", "Simulate an operator's traffic, honest and hostile, with the truth about it");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--config", a.config, "What to simulate (YAML, docs/population.md)")->required();
  command
      ->add_option("--prompts", a.prompts,
                   "Folder of prompts: distill/ benign/ pipeline/ bench/ with *.jsonl or *.jsonl.gz")
      ->required();
  command->add_option("--timing", a.timing, "Folder of token counts of real answers (default: built-in shapes)");
  command->add_option("--seed", a.seed, "Overrides the configuration's seed");
  command->add_option("--out", a.out, "The log, in the native format; gzip if it ends in .gz, - for standard output")
      ->required();
  command->add_option("--truth", a.truth, "What every account is, one JSON object a line")->required();
  command->footer(
      "The same seed gives the same log. Example:\n"
      "  stillwatch population --config data/population/demo.yaml --prompts data/prompts --out log.jsonl.gz --truth "
      "truth.jsonl\n\n"
      "Exit status: 0 done, 2 usage or configuration, 3 prompts missing or broken, 4 internal.");
  command->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace stillwatch::apps
