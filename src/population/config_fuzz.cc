// Any bytes as the configuration of a population.
#include "population/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static_cast<void>(stillwatch::population::Config::parse({reinterpret_cast<const char*>(data), size}, "config"));
  return 0;
}
