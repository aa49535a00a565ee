// A transformer that learns: weights with their gradients and the optimiser's memory of them, wherever these lie.
//
// Two implementations: cpu_network.h (32-bit floats, hand-written) and torch/ (libtorch: GPUs, bf16). They compute the
// same function; tests hold both against double precision. Deterministic for a given number of threads. Thread rule:
// one thread. Source: Loshchilov and Hutter 2019 (AdamW), algorithm 2.
#pragma once

#include <functional>
#include <memory>

#include "model/weights.h"
#include "training/loss.h"

namespace stillwatch::training {

struct AdamW {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double decay = 0.1;  // of matrices, for each step times the rate
};

// All that training needs to go on as if it had never stopped.
struct Snapshot {
  model::Weights weights;
  model::Weights first, second;  // moments of the gradients
  uint64_t updates = 0;
};

class Network {
 public:
  virtual ~Network() = default;
  virtual const model::Config& config() const = 0;

  // Adds to the gradients those of the summed loss times `scale`. Gives the sum of the losses.
  virtual base::Result<double> accumulate(const Batch& batch, Loss& loss, double scale) = 0;
  // The sum of the losses alone.
  virtual base::Result<double> measure(const Batch& batch, Loss& loss) = 0;
  // Hands over the logits of every scored position in order: a teacher's view of a batch.
  using TakeLogits = std::function<void(size_t index, std::span<const float> logits)>;
  virtual base::Result<void> predict(const Batch& batch, const TakeLogits& take) = 0;

  virtual double gradient_norm() = 0;
  // One step along the gradients times `factor`; they are zero after it.
  virtual void update(const AdamW& adam, double rate, double factor) = 0;

  virtual model::Weights weights() const = 0;
  virtual Snapshot snapshot() const = 0;
  virtual base::Result<void> restore(const Snapshot& snapshot) = 0;
};

constexpr double kInitialDeviation = 0.02;

// Weights to begin with: normal with that deviation, those that write to the residual stream smaller by the square root
// of twice the layers (Radford et al. 2019); norms are one, biases zero.
model::Weights initial_weights(const model::Config& config, uint64_t seed, double deviation = kInitialDeviation);

}  // namespace stillwatch::training
