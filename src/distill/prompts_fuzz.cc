// Any bytes as a file of prompts.
#include "distill/prompts.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto prompts = stillwatch::distill::read_prompts({reinterpret_cast<const char*>(data), size}, "p");
  if (!prompts) return 0;
  for (const auto& prompt : *prompts) {
    if (prompt.id.empty() || prompt.messages.empty() || prompt.messages.back().role != "user") std::abort();
  }
  return 0;
}
