// What training minimises: a number for each scored position, and its gradient by the logits there. Plain C++ on rows
// of floats, so that a loss can be held against a slow twin without a network.
#pragma once

#include <span>

#include "base/error.h"
#include "training/batch.h"

namespace stillwatch::training {

// Thread rule: prepare() by one thread, then row() by several at once on different positions. Losses of all positions
// weigh the same; the trainer divides by their number over the whole step.
class Loss {
 public:
  virtual ~Loss() = default;
  // Called once for each batch before its rows: where a teacher's view of it is computed or looked up.
  virtual base::Result<void> prepare(const Batch& batch) {
    static_cast<void>(batch);
    return {};
  }
  // The loss at batch.scored[index]. `logits` holds the network's, one for each token of the vocabulary, and is
  // overwritten by the gradient.
  virtual float row(const Batch& batch, size_t index, std::span<float> logits) const = 0;
};

// -log p(target): learning from the data's own tokens. Networks may compute it where their numbers are.
class CrossEntropy final : public Loss {
 public:
  float row(const Batch& batch, size_t index, std::span<float> logits) const override;
};

// In place: logits to log-probabilities; gives log of the sum of their exponentials (Milakov and Gimelshein 2018).
float log_softmax(std::span<float> logits);

}  // namespace stillwatch::training
