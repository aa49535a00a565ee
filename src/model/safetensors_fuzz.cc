// Any bytes as safetensors. What is read must come out of a writer and be read again as the same numbers.
#include "model/safetensors.h"

#include <cstdlib>

namespace model = stillwatch::model;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  model::Weights weights;
  if (!model::read_safetensors({reinterpret_cast<const char*>(data), size}, "m", weights)) return 0;
  std::string bytes;
  model::write_safetensors(weights, model::Precision::kF32, [&](std::string_view s) { bytes += s; });
  model::Weights again;
  if (!model::read_safetensors(bytes, "m", again) || again.size() != weights.size()) std::abort();
  for (const auto& [name, tensor] : weights) {
    const auto it = again.find(name);
    if (it == again.end() || it->second.shape != tensor.shape || it->second.values != tensor.values) std::abort();
  }
  return 0;
}
