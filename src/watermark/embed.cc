#include "watermark/embed.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "watermark/sketch.h"

namespace stillwatch::watermark {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

Unit unit_of(int32_t token) {
  return static_cast<uint32_t>(token);
}

}  // namespace

std::vector<Unit> units_of(std::span<const int32_t> tokens) {
  std::vector<Unit> units(tokens.size());
  std::transform(tokens.begin(), tokens.end(), units.begin(), unit_of);
  return units;
}

void Embedder::apply(std::span<const int32_t> tokens, std::span<float> logits) {
  apply_to(tokens, logits, [](size_t i) { return static_cast<int32_t>(i); });
}

void Embedder::apply(std::span<const int32_t> tokens, std::span<const int32_t> ids, std::span<float> logits) {
  apply_to(tokens, logits, [&](size_t i) { return ids[i]; });
}

template <typename IdOf>
void Embedder::apply_to(std::span<const int32_t> tokens, std::span<float> logits, IdOf id_of) {
  const auto context = static_cast<size_t>(mark_.context);
  if (tokens.size() < context || logits.empty()) return;
  std::array<Unit, kContextMax + 1> window{};
  std::transform(tokens.end() - mark_.context, tokens.end(), window.begin(), unit_of);
  if (mark_.scheme != Scheme::kGreen && !seen_.insert(hash_of(std::span(window).first(context)))) return;
  bits_.resize(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    window[context] = unit_of(id_of(i));
    bits_[i] = key_.prf(std::span(window).first(context + 1));
  }
  switch (mark_.scheme) {
    case Scheme::kGreen:
      for (size_t i = 0; i < logits.size(); ++i)
        logits[i] += is_green(mark_, bits_[i]) ? static_cast<float>(mark_.delta) : 0;
      break;
    case Scheme::kGumbel: {
      size_t best = logits.size();
      double highest = -std::numeric_limits<double>::infinity();
      for (size_t i = 0; i < logits.size(); ++i) {
        const double value = static_cast<double>(logits[i]) - std::log(-std::log(uniform_of(bits_[i])));
        if (value > highest) {
          highest = value;
          best = i;
        }
      }
      if (best == logits.size()) return;  // no token was possible to begin with
      std::fill(logits.begin(), logits.end(), kNever);
      logits[best] = 0;
      break;
    }
    case Scheme::kTournament:
      tournament(logits);
      break;
  }
}

void Embedder::tournament(std::span<float> logits) {
  const double top = *std::max_element(logits.begin(), logits.end());
  if (!std::isfinite(top)) return;
  p_.resize(logits.size());
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    p_[i] = std::exp(static_cast<double>(logits[i]) - top);
    sum += p_[i];
  }
  for (double& p : p_) p /= sum;
  for (int layer = 0; layer < mark_.layers; ++layer) {
    double ones = 0;
    for (size_t i = 0; i < p_.size(); ++i) ones += layer_of(bits_[i], layer) ? p_[i] : 0;
    for (size_t i = 0; i < p_.size(); ++i) p_[i] *= layer_of(bits_[i], layer) ? 2 - ones : 1 - ones;
  }
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = p_[i] > 0 ? static_cast<float>(std::log(p_[i])) : kNever;
}

}  // namespace stillwatch::watermark
