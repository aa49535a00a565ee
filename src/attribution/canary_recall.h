// Does a suspect know people that only we made up? Canaries issued to accounts are held against canaries of the same
// pool that were never issued.
//
// Null: what the suspect recalls does not depend on which canaries were issued. The key chose those at random, so how
// many of the recalled ones were issued is hypergeometric: exact, whatever the suspect is. Where only a part of the
// pool is asked for, that part is all the issued and as many others drawn at random: then it is exact among those
// asked. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "attribution/findings.h"
#include "watermark/canary.h"
#include "watermark/evidence.h"

namespace stillwatch::attribution {

// The canaries that texts name; of those that ask for one, in the prompt, only what is named beyond it counts.
std::set<uint32_t> recalled(std::span<const Sample> samples, const watermark::CanaryPool& pool);

// What to ask a suspect: all issued canaries and `others` times as many never issued, drawn by the seed, shuffled.
std::vector<uint32_t> canaries_to_ask(const watermark::PoolEvidence& evidence, double others, uint64_t seed);

// One result for the pool and, if the pool's is small, one for each account. `asked` null: all of the pool (a data set
// was searched). REQUIRES: the pool's hash is the evidence's.
std::vector<TestResult> canary_recall(const watermark::PoolEvidence& evidence, const std::set<uint32_t>& recalled,
                                      const std::vector<uint32_t>* asked);

}  // namespace stillwatch::attribution
