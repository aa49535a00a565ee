// The network in libtorch: the same function as training/cpu_network.h, on any device that libtorch knows, in 32-bit
// floats or with products in bf16 (weights, gradients and moments stay 32 bits wide).
//
// Examples lie in rows that are padded to the longest. A loss other than CrossEntropy is computed on this machine's
// cores, so its logits travel. libtorch stays in the .cc. Built against Debian's libtorch 1.13 or an official 2.x.
#pragma once

#include <string>

#include "training/network.h"

namespace stillwatch::accelerator {

struct TorchOptions {
  std::string device = "cpu";  // "cuda", "cuda:1", ... as libtorch spells them
  bool bf16 = false;
  unsigned threads = 1;  // of the CPU
};

// Fails for weights that are not those of the shape, and for a device that is not there.
base::Result<std::unique_ptr<training::Network>> make_torch_network(const model::Config& config,
                                                                    const model::Weights& weights,
                                                                    const TorchOptions& options);

}  // namespace stillwatch::accelerator
