// Antidistillation sampling (Savani et al. 2025, arXiv 2504.13146): answers that are drawn so that learning from them
// hurts.
//
// A proxy student stands for those that may come. A step of learning on token t changes its loss on held-out texts by
// the product of that loss's gradient and the gradient of log p(t); the finite difference
// (log p(t; weights + step * direction) - log p(t; weights)) / step, with the loss's gradient as the direction (here of
// length one), gives that for every token at once for two readings by the proxy. The teacher's logits, at temperature
// 1, are raised by `strength` times it.
//
// Thread rule: prepare() by one thread; hook() is reentrant, a hook belongs to one answer. REQUIRES: proxy and teacher
// have the same tokens, and the proxy's context is no shorter.
#pragma once

#include <memory>

#include "model/folder.h"
#include "model/sampler.h"
#include "model/transformer.h"

namespace stillwatch::range {

class Antidistillation {
 public:
  static base::Result<Antidistillation> prepare(const model::Model& proxy, std::span<const model::Example> held_out,
                                                double strength, unsigned threads);
  model::LogitsHook hook() const;

 private:
  Antidistillation() = default;

  double strength_ = 0;
  std::shared_ptr<const model::Transformer> here_, there_;  // the proxy, and a step along the gradient
};

}  // namespace stillwatch::range
