#include "marks.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "files.h"
#include "gateway/archive.h"
#include "scan/source.h"

namespace stillwatch::apps {

using base::ErrorCode;
using base::Result;

Result<std::string> read_content(const std::string& path) {
  constexpr size_t kContentBytesMax = size_t{4} << 30;
  auto source = scan::Source::open(path);
  if (!source) return tl::unexpected(source.error());
  std::string text;
  std::string chunk(1 << 20, '\0');
  while (true) {
    const auto n = (*source)->read(chunk.data(), chunk.size());
    if (!n) return base::fail(n.error().code, fmt::format("{}: {}", path, n.error().message));
    if (*n == 0) return text;
    text.append(chunk, 0, *n);
    if (text.size() > kContentBytesMax)
      return base::fail(ErrorCode::kInput, fmt::format("{} unpacks to more than 4 GiB: cut it", path));
  }
}

Result<std::string> read_evidence_text(const std::string& path) {
  const std::string in_folder = path + "/stillwatch.db";
  const bool folder = std::filesystem::exists(in_folder);
  if (!folder && !path.ends_with(".db")) return read_content(path);
  const std::string& store = folder ? in_folder : path;
  if (!std::filesystem::exists(store)) return base::fail(ErrorCode::kInput, store + " is not there");
  const auto archive = gateway::Archive::open(store);
  if (!archive) return tl::unexpected(archive.error());
  uint64_t after = 0;
  return (*archive)->evidence(after, SIZE_MAX);
}

Result<watermark::MasterKey> read_master(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  auto key = watermark::MasterKey::parse(*text);
  if (!key) return base::fail(key.error().code, fmt::format("{}: {}", path, key.error().message));
  return key;
}

Result<std::vector<attribution::Sample>> read_suspect(const std::vector<std::string>& paths) {
  std::vector<attribution::Sample> all;
  for (const std::string& path : paths) {
    const auto text = read_content(path);
    if (!text) return tl::unexpected(text.error());
    auto samples = attribution::read_samples(*text, path);
    if (!samples) return samples;
    all.insert(all.end(), std::make_move_iterator(samples->begin()), std::make_move_iterator(samples->end()));
  }
  return all;
}

Result<watermark::Evidence> read_evidence(const std::vector<std::string>& paths) {
  watermark::Evidence evidence;
  for (const std::string& path : paths) {
    const auto text = read_evidence_text(path);
    if (!text) return tl::unexpected(text.error());
    if (const auto ok = evidence.read(*text, path); !ok) return tl::unexpected(ok.error());
  }
  return evidence;
}

Result<void> append_lines(const std::string& path, std::string_view lines) {
  const mode_t mask = ::umask(0077);
  FILE* file = std::fopen(path.c_str(), "ab");
  const int error = errno;
  ::umask(mask);
  const bool written = file != nullptr && std::fwrite(lines.data(), 1, lines.size(), file) == lines.size();
  if ((file != nullptr && std::fclose(file) != 0) || !written) {
    return base::fail(ErrorCode::kInternal,
                      fmt::format("{} cannot be written: {}", path, std::strerror(file == nullptr ? error : errno)));
  }
  return {};
}

base::Time now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

void MarkArguments::add_to(CLI::App& command) {
  command.add_option("--key-file", key_file, "The master key, made by `stillwatch watermark key`")->required();
  command.add_option("--label", labels, "The campaign or epoch whose key it is (several: each is tested)")->required();
  command.add_option("--scheme", scheme, "green, gumbel or tournament")->capture_default_str();
  command.add_option("--context", mark.context, "Words, or tokens, hashed with the one that is scored")
      ->capture_default_str();
  command.add_option("--gamma", mark.gamma, "green: share of windows that are")->capture_default_str();
  command.add_option("--layers", mark.layers, "tournament: layers")->capture_default_str();
}

Result<watermark::Mark> MarkArguments::read() const {
  watermark::Mark m = mark;
  const auto named = watermark::scheme_named(scheme);
  if (!named) return tl::unexpected(named.error());
  m.scheme = *named;
  if (const auto ok = m.check(); !ok) return tl::unexpected(ok.error());
  return m;
}

}  // namespace stillwatch::apps
