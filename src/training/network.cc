#include "training/network.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace stillwatch::training {

model::Weights initial_weights(const model::Config& config, uint64_t seed, double deviation) {
  base::Random random(seed);
  const double residual = deviation / std::sqrt(2.0 * static_cast<double>(config.layers));
  model::Weights weights;
  for (const model::Slot& slot : model::slots_of(config)) {
    size_t count = 1;
    for (const int64_t n : slot.shape) count *= static_cast<size_t>(n);
    std::vector<float> values(count, slot.name.ends_with(".bias") ? 0.0F : 1.0F);
    if (slot.shape.size() > 1) {
      const bool writes =
          slot.name.find("o_proj") != std::string::npos || slot.name.find("down_proj") != std::string::npos;
      for (float& v : values) v = static_cast<float>(random.normal() * (writes ? residual : deviation));
    }
    weights[slot.name] = {slot.shape, std::move(values)};
  }
  return weights;
}

}  // namespace stillwatch::training
