// Whatever a configuration holds, it is read or refused with a place in it.
#include <cstdint>
#include <cstdlib>

#include "gateway/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config = stillwatch::gateway::Config::parse({reinterpret_cast<const char*>(data), size}, "f");
  if (!config && !config.error().message.starts_with("f:")) std::abort();
  return 0;
}
