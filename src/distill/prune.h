// A smaller model made of a larger one's own weights: whole layers, heads, feed-forward units and channels are left
// out, and what stays is copied (structured pruning; Muralidharan et al. 2024, "Compact Language Models via Pruning and
// Knowledge Distillation"). It answers worse than the larger one until it has been trained, and starts far ahead of
// random weights.
//
// Layers go one at a time, each time the one without which the loss on the calibration is least. Of the rest a part
// matters as much as the loss would change without it, to first order: the square of the sum of weight times gradient
// over its weights, averaged over batches (Molchanov et al. 2019, "Importance Estimation for Neural Network Pruning",
// equation 8). Parts go in kPruneRounds rounds with new gradients each, since what one leaves undone another may do.
//
// Groups of heads that share keys and values stay as many, and lose the same number of heads. Where channels go, norms
// are scaled so that those that were zero are not missed. Deterministic for a given number of threads. Thread rule:
// pure function.
#pragma once

#include <span>
#include <vector>

#include "base/error.h"
#include "model/chat.h"
#include "model/weights.h"

namespace stillwatch::distill {

constexpr int kPruneRounds = 8;

// How much is to stay; 0: as much as there is.
struct PrunedShape {
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t ffn_dim = 0;
  int64_t dim = 0;
};

struct Pruned {
  model::Config config;
  model::Weights weights;
  std::vector<int64_t> layers;             // those of the larger model that stayed
  double loss_before = 0, loss_after = 0;  // nats a scored token of the calibration
  double tokens = 0;                       // of the calibration, read again and again
  double operations = 0;                   // 2 for each parameter and token that was read, 6 where gradients were taken
};

// The examples are the calibration: what losses and gradients are of. REQUIRES: fit(weights, config) holds.
base::Result<Pruned> prune(const model::Config& config, const model::Weights& weights, const PrunedShape& wanted,
                           std::span<const model::Example> examples, unsigned threads);

}  // namespace stillwatch::distill
