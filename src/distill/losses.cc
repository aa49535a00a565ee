#include "distill/losses.h"

#include <fmt/format.h>

namespace stillwatch::distill {
namespace {

// The divergence blended with learning from the data's token; `diverge_by` does the first.
template <typename DivergeBy>
float blended(const Blend& blend, const training::Batch& batch, size_t index, std::span<float> logits,
              const DivergeBy& diverge_by) {
  if (blend.data_weight <= 0) return diverge_by(logits);
  thread_local std::vector<float> data;
  data.assign(logits.begin(), logits.end());
  const float of_data = training::CrossEntropy().row(batch, index, data);
  const auto weight = static_cast<float>(blend.data_weight);
  const float of_teacher = diverge_by(logits);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = (1 - weight) * logits[i] + weight * data[i];
  return (1 - weight) * of_teacher + weight * of_data;
}

}  // namespace

base::Result<void> LogitLoss::prepare(const training::Batch& batch) {
  const auto vocabulary = static_cast<size_t>(teacher_.config().vocab_size);
  if (batch.scored.size() * vocabulary * sizeof(float) > kTeacherBytesMax) {
    return base::fail(
        base::ErrorCode::kUsage,
        fmt::format("the teacher's logits for {} positions of {} tokens would take more than {} MiB: lower "
                    "`batch_tokens`",
                    batch.scored.size(), vocabulary, kTeacherBytesMax >> 20));
  }
  logits_.resize(batch.scored.size() * vocabulary);
  return teacher_.predict(batch, [&](size_t index, std::span<const float> logits) {
    std::copy(logits.begin(), logits.end(), logits_.begin() + static_cast<std::ptrdiff_t>(index * vocabulary));
  });
}

float LogitLoss::row(const training::Batch& batch, size_t index, std::span<float> logits) const {
  return blended(blend_, batch, index, logits, [&](std::span<float> row) {
    return diverge(blend_.divergence, std::span(logits_).subspan(index * row.size(), row.size()), row);
  });
}

float TopLoss::row(const training::Batch& batch, size_t index, std::span<float> logits) const {
  const training::Scored& scored = batch.scored[index];
  const KnownTokens& known = (*known_)[batch.rows[scored.example]];
  if (scored.offset >= known.size() || known[scored.offset].empty())
    return training::CrossEntropy().row(batch, index, logits);
  return blended(blend_, batch, index, logits,
                 [&](std::span<float> row) { return diverge(blend_.divergence, known[scored.offset], row); });
}

}  // namespace stillwatch::distill
