#include "training/flat.h"

#include <fmt/format.h>

#include <algorithm>

namespace stillwatch::training {

FlatLayout::FlatLayout(const model::Config& config) {
  for (model::Slot& slot : model::slots_of(config)) {
    size_t count = 1;
    for (const int64_t n : slot.shape) count *= static_cast<size_t>(n);
    places_.emplace(slot.name, size_);
    const bool matrix = slot.shape.size() > 1;
    segments_.push_back({std::move(slot.name), std::move(slot.shape), size_, count, matrix});
    size_ += count;
  }
}

model::Weights FlatLayout::unpack(const std::vector<float>& flat) const {
  model::Weights out;
  for (const Segment& s : segments_) {
    const auto begin = flat.begin() + static_cast<std::ptrdiff_t>(s.begin);
    out[s.name] = {s.shape, std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(s.size))};
  }
  return out;
}

base::Result<void> FlatLayout::pack(const model::Weights& weights, std::vector<float>& flat) const {
  flat.resize(size_);
  for (const Segment& s : segments_) {
    const auto it = weights.find(s.name);
    if (it == weights.end() || it->second.shape != s.shape) {
      return base::fail(base::ErrorCode::kInput,
                        fmt::format("tensor {} is missing or of another shape than the model's", s.name));
    }
    std::copy(it->second.values.begin(), it->second.values.end(), flat.begin() + static_cast<std::ptrdiff_t>(s.begin));
  }
  return {};
}

}  // namespace stillwatch::training
