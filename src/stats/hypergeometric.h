// Draws without replacement: the exact upper tail.
#pragma once

#include <cstdint>

namespace stillwatch::stats {

// log P(X >= hits), X the number of marked ones among `draws` of a population of which `marked` are marked.
// REQUIRES: marked <= population, draws <= population. Cost: up to min(marked, draws) terms.
double log_hypergeometric_tail(uint64_t hits, uint64_t population, uint64_t marked, uint64_t draws);

}  // namespace stillwatch::stats
