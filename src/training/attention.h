// Causal attention with grouped queries over examples that lie end to end, and its gradients. Nothing as large as the
// square of an example's length is kept: the backward pass computes probabilities again from their log-sums.
//
// A row of `qkv` holds all queries, then keys, then values of a position. Thread rule: one thread calls; the team
// works. Source: Vaswani et al. 2017, equation 1; Dao et al. 2022 (recomputing), algorithm 4.
#pragma once

#include <span>

#include "base/team.h"
#include "model/config.h"

namespace stillwatch::training {

// out[position][heads * head_dim]; log_sums[position][heads].
void attend(const model::Config& config, std::span<const uint32_t> starts, const float* qkv, float* out,
            float* log_sums, base::Team& team);
// Overwrites dqkv.
void attend_back(const model::Config& config, std::span<const uint32_t> starts, const float* qkv, const float* out,
                 const float* log_sums, const float* dout, float* dqkv, base::Team& team);

}  // namespace stillwatch::training
