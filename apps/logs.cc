#include "logs.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "commands.h"
#include "dialect/field_map.h"
#include "files.h"
#include "progress.h"
#include "scan/scanner.h"
#include "scan/source.h"

namespace stillwatch::apps {
namespace {

volatile std::sig_atomic_t interrupted = 0;

base::Result<std::shared_ptr<const dialect::IdentityIndex>> read_join(const std::string& path,
                                                                      const dialect::FieldMap& map) {
  auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  auto index = std::make_shared<dialect::IdentityIndex>();
  std::string_view rest = *text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (auto ok = map.read_identity(rest.substr(0, end), *index); !ok) return tl::unexpected(ok.error());
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (index->size() == 0)
    return base::fail(base::ErrorCode::kInput,
                      fmt::format("{} holds no request id where the field map's `join` looks for one", path));
  return index;
}

}  // namespace

int complain_of_reading(const report::ReadStats& stats) {
  if (stats.broken > 0) {
    fmt::print(stderr, "stillwatch: {} of {} lines could not be read:\n", stats.broken, stats.lines);
    for (const std::string& where : stats.located) fmt::print(stderr, "  {}\n", where);
    if (stats.broken > stats.located.size())
      fmt::print(stderr, "  ... and {} more\n", stats.broken - stats.located.size());
  }
  for (const std::string& error : stats.file_errors) complain({base::ErrorCode::kInput, error});
  return stats.file_errors.empty() ? kClean : kInput;
}

base::Result<Yardsticks> read_baseline(const std::string& path) {
  if (path.empty()) return Yardsticks();
  if (path == "reference") return Yardsticks{signals::Baseline::reference(), nullptr};
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  const auto fail = [&](const base::Error& e) { return base::fail(e.code, fmt::format("{}: {}", path, e.message)); };
  const std::string_view all = *text;
  const size_t first = std::min(all.find('\n'), all.size());
  auto baseline = signals::Baseline::parse(all.substr(0, first));
  if (!baseline) return fail(baseline.error());
  Yardsticks out{std::make_shared<const signals::Baseline>(std::move(*baseline)), nullptr};
  if (first + 1 >= all.size()) return out;
  auto groups = campaigns::Reference::parse(all.substr(first + 1));
  if (!groups) return fail(groups.error());
  out.campaigns = std::make_shared<const campaigns::Reference>(std::move(*groups));
  return out;
}

void LogArguments::add_to(CLI::App& command) {
  command.add_option("LOG", paths, "Logs: files (plain, gzip or Zstandard), or - for standard input")->required();
  command
      .add_option("--format", format,
                  "auto, exchange, otel, litellm, langfuse, helicone, openai-batch, anthropic, or map:FILE.yaml "
                  "(docs/formats/)")
      ->capture_default_str();
  command.add_option("--join", join,
                     "A gateway's log that knows who sent which request, read by the field map's `join`");
  command.add_option("--labels", labels, fmt::format("Labels to respect (default: {} if it is there)", kLabelsFile));
  command.add_option("--threads", threads, "Threads that parse and search (default: all cores)")
      ->check(CLI::Range(0, 1024));
  command.add_flag("--strict", strict, "Stop at the first line or file that cannot be read");
  command.add_flag("--quiet", quiet, "No progress bar and no table");
}

unsigned LogArguments::cores() const {
  return threads > 0 ? threads : std::max(1u, std::thread::hardware_concurrency());
}

base::Result<verdict::Labels> LogArguments::read_labels() const {
  std::string path = labels;
  if (path.empty()) {
    if (!std::filesystem::exists(kLabelsFile)) return verdict::Labels();
    path = kLabelsFile;
  }
  auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  return verdict::Labels::parse(*text, path);
}

pipeline::Options LogArguments::options(double false_alarms,
                                        std::shared_ptr<const campaigns::Reference> honest_groups) const {
  pipeline::Options options;
  options.false_alarms_per_10000 = false_alarms;
  options.threads = cores();
  options.campaigns = std::move(honest_groups);
  return options;
}

base::Result<report::ReadStats> LogArguments::run(pipeline::Pipeline& pipeline) const {
  scan::Options options;
  options.threads = cores();
  options.strict = strict;
  if (format.rfind("map:", 0) == 0) {
    const std::string path = format.substr(4);
    auto text = read_file(path);
    if (!text) return tl::unexpected(text.error());
    auto map = dialect::FieldMap::parse(*text, path);
    if (!map) return tl::unexpected(map.error());
    if (!join.empty()) {
      auto index = read_join(join, *map);
      if (!index) return tl::unexpected(index.error());
      options.identities = *index;
    }
    options.map = std::make_shared<const dialect::FieldMap>(std::move(*map));
    options.format = dialect::LogFormat::kMap;
  } else if (!join.empty()) {
    return base::fail(base::ErrorCode::kUsage, "--join needs --format map:FILE.yaml with a `join` section");
  } else if (format != "auto") {
    const auto named = dialect::log_format_named(format);
    if (!named) return tl::unexpected(named.error());
    options.format = *named;
  }
  uint64_t total = 0;
  for (const std::string& path : paths) total += scan::size_of(path);
  ProgressBar bar(total, quiet);
  // The first interrupt ends the reading and what was read is judged; the second ends the program.
  std::signal(SIGINT, [](int) {
    interrupted = 1;
    std::signal(SIGINT, SIG_DFL);
  });
  return scan::scan(paths, options, pipeline, [&](uint64_t bytes, uint64_t exchanges) {
    bar.update(bytes, [&](double seconds) {
      return fmt::format("{} exchanges  {:.0f} MB/s", exchanges, static_cast<double>(bytes) / 1e6 / seconds);
    });
    return interrupted == 0;
  });
}

}  // namespace stillwatch::apps
