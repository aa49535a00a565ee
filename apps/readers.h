// The open model of `attribute`: who is made to read, and the tests of what they expect in what they read.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attribution/findings.h"
#include "suspect.h"
#include "watermark/evidence.h"

namespace stillwatch::apps {

struct ReadArguments {
  std::string texts;                            // a file
  std::vector<std::string> readings;            // files
  std::string reference_model, others_key_env;  // of endpoints that are not the suspect
  int tops = 5;

  void add_to(CLI::App& command);
};

// The name and the address of NAME=URL, the name empty of an address alone; nothing if there is no address.
std::optional<std::pair<std::string, std::string>> named_url(const std::string& argument);

struct Reader {
  std::string by;  // as lines of readings say it (attribution/reading.h)
  Endpoint endpoint;
};

// The endpoints among these; `suspect` without its address. The suspect's API key goes to no other. An error if there
// is none, or a clean one has no name.
base::Result<std::vector<Reader>> readers_of(const ReadArguments& a, const Endpoint& suspect,
                                             const std::vector<std::string>& suspects,
                                             const std::vector<std::string>& references,
                                             const std::vector<std::string>& clean);

// Lines of readings by the name of what they are from.
using ReadingTexts = std::vector<std::pair<std::string, std::string>>;

// What the suspect expects, by itself and, where there is one, beside the reference.
base::Result<std::vector<attribution::TestResult>> test_readings(const ReadingTexts& readings,
                                                                 const watermark::Key& key,
                                                                 const watermark::MarkEvidence& mark,
                                                                 uint64_t wrong_keys);

}  // namespace stillwatch::apps
