// Any bytes as training.json.
#include "distill/evaluation.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto cost = stillwatch::distill::read_cost({reinterpret_cast<const char*>(data), size}, "c");
  if (!cost) return 0;
  for (const double x : {cost->operations, cost->tokens, cost->cpu_seconds, cost->exchanges, cost->prompt_tokens,
                         cost->completion_tokens, cost->inherited}) {
    if (!std::isfinite(x) || x < 0) std::abort();
  }
  return 0;
}
