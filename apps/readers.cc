#include "readers.h"

#include <fmt/format.h>

#include "attribution/open_model.h"

namespace stillwatch::apps {

using base::ErrorCode;
using base::Result;
namespace at = attribution;

void ReadArguments::add_to(CLI::App& command) {
  command.add_option("--read-texts", texts,
                     "For endpoints with echo and logprobs: texts to make them read, which carry no mark");
  command.add_option("--readings", readings, "What models expect next (docs/attribution.md), from a file");
  command.add_option("--read-tops", tops, "Likeliest tokens of each place of a text that is read")
      ->capture_default_str()
      ->check(CLI::Range(size_t{1}, at::kTopsMax));
  command.add_option("--reference-model", reference_model, "The name of the reference at its endpoint");
  command.add_option("--others-api-key-env", others_key_env,
                     "Environment variable that holds the API key of the reference's and the clean models' endpoints");
}

std::optional<std::pair<std::string, std::string>> named_url(const std::string& argument) {
  if (is_url(argument)) return std::pair(std::string(), argument);
  const size_t equals = argument.find('=');
  if (equals == argument.npos || !is_url(argument.substr(equals + 1))) return std::nullopt;
  return std::pair(argument.substr(0, equals), argument.substr(equals + 1));
}

Result<std::vector<Reader>> readers_of(const ReadArguments& a, const Endpoint& suspect,
                                       const std::vector<std::string>& suspects,
                                       const std::vector<std::string>& references,
                                       const std::vector<std::string>& clean) {
  std::vector<Reader> readers;
  const auto add = [&](std::string by, const std::string& url) -> Endpoint& {
    Endpoint& endpoint = readers.emplace_back(Reader{std::move(by), suspect}).endpoint;
    endpoint.url = url;
    endpoint.tops = a.tops;
    return endpoint;
  };
  const auto add_other = [&](std::string by, const std::string& url, const std::string& model) {
    Endpoint& endpoint = add(std::move(by), url);
    endpoint.model = model;
    endpoint.api_key_env = a.others_key_env;
  };
  for (const std::string& url : suspects) {
    if (is_url(url)) add("suspect", url);
  }
  for (const std::string& url : references) {
    if (is_url(url)) add_other("reference", url, a.reference_model);
  }
  for (const std::string& argument : clean) {
    const auto named = named_url(argument);
    if (!named) continue;
    if (named->first.empty()) return base::fail(ErrorCode::kUsage, "--clean is NAME=FILE or NAME=URL");
    add_other("clean:" + named->first, named->second, named->first);
  }
  if (readers.empty()) return base::fail(ErrorCode::kUsage, "--read-texts is for endpoints, and none is given");
  return readers;
}

Result<std::vector<at::TestResult>> test_readings(const ReadingTexts& readings, const watermark::Key& key,
                                                  const watermark::MarkEvidence& mark, uint64_t wrong_keys) {
  at::Readings read;
  for (const auto& [name, text] : readings) {
    if (const auto ok = at::read_readings(text, name, mark, read); !ok) return tl::unexpected(ok.error());
  }
  if (read.suspect.empty()) {
    return base::fail(ErrorCode::kInput,
                      read.quoting > 0 ? "all texts that were read repeat marked answers: let it read others"
                                       : "the readings tell of no place of a text of the suspect's: an endpoint must "
                                         "answer `echo` with the prompt's own log-probabilities (docs/attribution.md)");
  }
  auto results = at::reading(key, mark, read.suspect, read.clean, wrong_keys);
  if (!read.reference.empty()) {
    for (at::TestResult& t : at::reading_contrast(key, mark, read.suspect, read.reference, read.clean, wrong_keys))
      results.push_back(std::move(t));
  }
  for (at::TestResult& t : results) {
    if (read.quoting > 0 && t.note.empty())
      t.note = fmt::format("{} readings of texts that repeat marked answers are left out", read.quoting);
  }
  return results;
}

}  // namespace stillwatch::apps
