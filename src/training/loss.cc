#include "training/loss.h"

#include "model/kernels.h"

namespace stillwatch::training {

float CrossEntropy::row(const Batch& batch, size_t index, std::span<float> logits) const {
  const auto target = static_cast<size_t>(batch.scored[index].target);
  const float at_target = logits[target];
  const float log_sum = model::softmax(logits.data(), logits.size());
  logits[target] -= 1;
  return log_sum - at_target;
}

float log_softmax(std::span<float> logits) {
  std::vector<float> copy(logits.begin(), logits.end());
  const float log_sum = model::softmax(copy.data(), copy.size());
  for (float& x : logits) x -= log_sum;
  return log_sum;
}

}  // namespace stillwatch::training
