// From logits to the next token. What can bend the choice plugs in here: biases a caller asks for, hooks that a
// watermark hangs on.
//
// The order: log-probabilities are those of the model as it is; then the bias, then the hook on the logits; temperature
// 0 takes the greatest (the lowest token among equals); otherwise logits are divided by it, the top_k greatest stay, of
// these the fewest that together hold top_p (Holtzman et al. 2020), and one is drawn by the seed - by `choose`, if
// there is one. Deterministic in the seed and the number of tokens drawn. Thread rule: a value, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "base/random.h"

namespace stillwatch::model {

struct Candidate {
  int32_t token;
  float probability;
};

// May change the logits of the token behind `context`.
using LogitsHook = std::function<void(std::span<const int32_t> context, std::span<float> logits)>;
// Picks one of the candidates, which are sorted by falling probability and sum to 1: gives its index.
using ChooseHook = std::function<size_t(std::span<const int32_t> context, std::span<const Candidate> candidates,
                                        base::Random& random)>;

struct Sampling {
  double temperature = 1;
  uint32_t top_k = 0;  // 0: all
  double top_p = 1;
  uint64_t seed = 0;
  std::map<int32_t, float> bias;  // added to logits
  uint32_t logprobs = 0;          // how many alternatives to tell
  LogitsHook on_logits;
  ChooseHook choose;
};

struct Choice {
  int32_t token = 0;
  float logprob = 0;                                    // of the model as it is
  std::vector<std::pair<int32_t, float>> alternatives;  // with their log-probabilities, the greatest first
};

// What a model holds of `token` where these are its logits, beside `alternatives` others.
Choice judge(int32_t token, std::span<const float> logits, size_t alternatives);

class Sampler {
 public:
  explicit Sampler(Sampling sampling) : sampling_(std::move(sampling)), random_(sampling_.seed) {}
  // Overwrites the logits. `want_logprobs`: otherwise those of the choice are left out, which is faster.
  Choice next(std::span<const int32_t> context, std::span<float> logits, bool want_logprobs);
  const Sampling& sampling() const { return sampling_; }

 private:
  size_t draw(std::span<const int32_t> context);

  Sampling sampling_;
  base::Random random_;
  std::vector<Candidate> candidates_;
};

}  // namespace stillwatch::model
