// What a network computes at once: examples laid end to end, each attending to itself alone, with nothing between them.
//
// A position reads one token and may be scored: then the network's prediction there is held against the token behind
// it. Thread rule: values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/chat.h"

namespace stillwatch::training {

struct Scored {
  uint32_t position = 0;  // in the batch; its prediction is of
  int32_t target = 0;     // this token
  uint32_t example = 0;   // index of the example in the batch
  uint32_t offset = 0;    // of the target within its example
};

struct Batch {
  std::vector<int32_t> tokens;
  std::vector<uint32_t> starts;  // where each example begins, and the end of the last: examples + 1 of them
  std::vector<Scored> scored;    // in order of position
  std::vector<uint64_t> rows;    // which row of the dataset each example is

  size_t examples() const { return starts.empty() ? 0 : starts.size() - 1; }
  // Cuts an example to `context` + 1 tokens. Its last token is a target only.
  void add(const model::Example& example, uint64_t row, int64_t context);
};

// The examples `which` in batches of at most `tokens_max` positions, in their order (one that is longer is a batch of
// its own).
std::vector<Batch> batches_of(std::span<const model::Example> examples, std::span<const uint64_t> which,
                              int64_t context, size_t tokens_max);

}  // namespace stillwatch::training
