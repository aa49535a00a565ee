// Sizes of known distillation sets, so that a harvest is told in units that people know. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stillwatch::report {

struct KnownSet {
  std::string_view name;
  uint64_t examples = 0;
  std::string_view source;
};

// The set whose size is nearest to `examples`, as a ratio.
const KnownSet& nearest_known_set(double examples);

// "about 1.4 times Stanford Alpaca (52,002 examples)".
std::string beside_known_set(double examples);

}  // namespace stillwatch::report
