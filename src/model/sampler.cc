#include "model/sampler.h"

#include <algorithm>
#include <cmath>

#include "model/kernels.h"

namespace stillwatch::model {
namespace {

bool more_probable(const Candidate& a, const Candidate& b) {
  return a.probability != b.probability ? a.probability > b.probability : a.token < b.token;
}

size_t greatest_of(std::span<const float> logits) {
  const float top = max_of(logits.data(), logits.size());
  return static_cast<size_t>(std::find(logits.begin(), logits.end(), top) - logits.begin());
}

}  // namespace

Choice judge(int32_t token, std::span<const float> logits, size_t alternatives) {
  std::vector<float> copy(logits.begin(), logits.end());
  const float log_sum = softmax(copy.data(), copy.size());
  std::vector<std::pair<int32_t, float>> all(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) all[i] = {static_cast<int32_t>(i), logits[i] - log_sum};
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(alternatives, all.size()));
  std::partial_sort(all.begin(), end, all.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  // A copy of those: kept for every token of a prompt, room for the whole vocabulary would fill the memory.
  return {token, logits[static_cast<size_t>(token)] - log_sum, {all.begin(), end}};
}

Choice Sampler::next(std::span<const int32_t> context, std::span<float> logits, bool want_logprobs) {
  Choice choice;
  std::vector<float> plain;
  if (want_logprobs) plain.assign(logits.begin(), logits.end());
  for (const auto& [token, bias] : sampling_.bias) {
    if (token >= 0 && static_cast<size_t>(token) < logits.size()) logits[static_cast<size_t>(token)] += bias;
  }
  if (sampling_.on_logits) sampling_.on_logits(context, logits);
  if (sampling_.temperature <= 0 && !sampling_.choose) {
    choice.token = static_cast<int32_t>(greatest_of(logits));
  } else {
    const auto by = static_cast<float>(1 / std::max(sampling_.temperature, 1e-4));
    for (float& l : logits) l *= by;
    softmax(logits.data(), logits.size());
    candidates_.resize(logits.size());
    for (size_t i = 0; i < logits.size(); ++i) candidates_[i] = {static_cast<int32_t>(i), logits[i]};
    choice.token = candidates_[draw(context)].token;
  }
  return want_logprobs ? judge(choice.token, plain, sampling_.logprobs) : choice;
}

size_t Sampler::draw(std::span<const int32_t> context) {
  const bool cut = sampling_.top_k > 0 || sampling_.top_p < 1 || sampling_.choose;
  if (cut) {
    size_t keep = candidates_.size();
    if (sampling_.top_k > 0) keep = std::min<size_t>(keep, sampling_.top_k);
    std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(keep), candidates_.end(),
                      more_probable);
    candidates_.resize(keep);
    double before = 0;
    for (const Candidate& c : candidates_) before += static_cast<double>(c.probability);
    const double enough = sampling_.top_p * before;
    double sum = 0;
    for (size_t i = 0; i < candidates_.size(); ++i) {
      sum += static_cast<double>(candidates_[i].probability);
      if (sum < enough) continue;
      candidates_.resize(i + 1);
      break;
    }
    for (Candidate& c : candidates_) c.probability = static_cast<float>(static_cast<double>(c.probability) / sum);
  }
  if (sampling_.choose) return std::min(sampling_.choose(context, candidates_, random_), candidates_.size() - 1);
  const double u = random_.uniform();
  double sum = 0;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    sum += static_cast<double>(candidates_[i].probability);
    if (u < sum) return i;
  }
  // Rounding left a gap behind the last: the most probable takes it.
  return static_cast<size_t>(std::min_element(candidates_.begin(), candidates_.end(), more_probable) -
                             candidates_.begin());
}

}  // namespace stillwatch::model
