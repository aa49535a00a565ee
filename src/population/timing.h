// How long answers are: token counts of real answers, or built-in lognormal shapes fitted to the public Azure traces of
// 2023 (mean logarithms 5.02 and 2.79: 151 and 16 tokens).
//
// Thread rule: immutable after load.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace stillwatch::population {

struct Timing {
  std::vector<uint32_t> chat_answer_tokens;  // empty: the built-in shape
  std::vector<uint32_t> code_answer_tokens;

  // Reads AzureLLMInferenceTrace_conv.csv.gz and _code.csv.gz: the last column is the count of generated tokens.
  static base::Result<Timing> load(const std::string& directory);

  uint32_t chat(base::Random& random) const;
  uint32_t code(base::Random& random) const;
};

// A lognormal count from 1 to `most`.
uint32_t lognormal_tokens(double median, double sigma, double most, base::Random& random);

}  // namespace stillwatch::population
