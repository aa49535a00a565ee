// An attribution as JSON, docs/attribution.md, as one HTML page that needs nothing else, and as text for a terminal:
// all that is needed to do it again stands in it. Names are hostile; the page is built of text nodes only.
#pragma once

#include <string>
#include <vector>

#include "attribution/findings.h"
#include "report/json.h"
#include "watermark/evidence.h"

namespace stillwatch::report {

// A file that was read, as it was.
struct ReadFile {
  std::string role;  // evidence, suspect, clean, read, parent, control
  std::string name;
  uint64_t bytes = 0;
  std::string hash;  // BLAKE2b-256 of its bytes
};

struct AttributionFacts {
  base::Time made{};
  std::string program;  // name and version
  std::string command;  // the command line
  std::string suspect;
  std::vector<ReadFile> files;
  uint64_t wrong_keys = 0;
};

void write_attribution_json(const attribution::Findings& findings, const watermark::Evidence& evidence,
                            const AttributionFacts& facts, const Write& write);
void write_attribution_html(const attribution::Findings& findings, const watermark::Evidence& evidence,
                            const AttributionFacts& facts, const Write& write);
std::string attribution_to_terminal(const attribution::Findings& findings);

}  // namespace stillwatch::report
