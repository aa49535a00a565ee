// Any bytes as config.json: what is read is possible, and comes back from what is written.
#include "model/config.h"

#include <cstdlib>

namespace model = stillwatch::model;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config = model::Config::from_json({reinterpret_cast<const char*>(data), size}, "c");
  if (!config) return 0;
  const auto again = model::Config::from_json(config->to_json(), "c");
  if (!again || again->parameters() != config->parameters()) std::abort();
  return 0;
}
