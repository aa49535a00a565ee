// The network in 32-bit floats on this machine's cores: forward and backward written out by hand, so that nothing is
// copied, allocated or dispatched in between; large products go to the BLAS.
//
// Memory: about (10 dim + 3 ffn_dim) floats for each position and layer of the largest batch, and four times the
// weights.
#pragma once

#include "training/network.h"

namespace stillwatch::training {

// Fails for weights that are not those of the shape. `threads`: 0 counts as 1.
base::Result<std::unique_ptr<Network>> make_cpu_network(const model::Config& config, const model::Weights& weights,
                                                        unsigned threads);

}  // namespace stillwatch::training
