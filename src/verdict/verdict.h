// What Stillwatch says of a subject: evidence, exposure and what people have labelled, in one word.
#pragma once

#include <cstdint>
#include <string_view>

namespace stillwatch::verdict {

enum class Verdict : uint8_t {
  kInsufficient,     // fewer exchanges than the first look needs
  kClear,            // nothing unusual
  kWatch,            // among the most unusual (Benjamini-Hochberg at 10 %), not beyond the budget
  kHarvest,          // beyond the budget: flagged
  kLabelledBenign,   // a person said so, and the label has not run out
  kLabelledHostile,  // a person said so, and the label has not run out: flagged
};

std::string_view name_of(Verdict verdict);  // insufficient, clear, watch, harvest, labelled-benign, labelled-hostile

// What has left. Distinct prompts are estimated (about 3 %); coverage is the share of the capability map's areas seen.
struct Exposure {
  double novel_exchanges = 0;
  uint64_t output_tokens = 0;
  double coverage = 0;
};

}  // namespace stillwatch::verdict
