// A transformer that answers: the forward pass alone, in 32-bit floats on this machine's cores, for many sequences at
// once, each with a memory of its own for the keys and values of what it has read.
//
// Thread rule: const methods are reentrant on different caches and rooms. Bounds: a cache holds as many tokens as it
// was made for. Weights are kept once, laid out for the kernels.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/kernels.h"
#include "model/weights.h"

namespace stillwatch::model {

// The keys and values of one sequence.
class Cache {
 public:
  Cache(const Config& config, size_t tokens_max);
  size_t tokens() const { return tokens_; }
  size_t tokens_max() const { return tokens_max_; }
  static size_t bytes_of(const Config& config, size_t tokens_max);

 private:
  friend class Transformer;
  size_t tokens_ = 0, tokens_max_;  // a multiple of Panels::kWidth
  // [layer][kv_head][tokens_max / 16][head_dim][16] and [layer][kv_head][tokens_max][head_dim]
  std::vector<float> keys_, values_;
};

class Transformer {
 public:
  // Takes the weights' memory. REQUIRES: fit(weights, config) holds.
  Transformer(const Config& config, Weights weights);

  // Tokens that one sequence reads next.
  struct Part {
    Cache* cache;
    std::span<const int32_t> tokens;
    bool all_logits = false;  // of every token, else of the last
  };
  // Memory that a call works in, used again by the next.
  struct Room {
    std::vector<float> x, normed, qkv, attended, gate_up, inner, scores, last;
  };
  // Reads all parts; `logits` gets a row for each token asked for, in their order. REQUIRES: tokens are in the
  // vocabulary, and the caches have room and are different.
  void read(std::span<const Part> parts, Room& room, std::vector<float>& logits) const;

  const Config& config() const { return config_; }

 private:
  struct Layer {
    std::vector<float> norm1, norm2, bias;
    Panels qkv, out, gate_up, down;
  };
  void turn(float* row, size_t position) const;
  void remember(const float* row, size_t layer, Cache& cache, size_t position) const;
  void attend(const float* row, size_t layer, const Cache& cache, size_t tokens, std::vector<float>& scores,
              float* out) const;

  Config config_;
  std::vector<float> embedding_, norm_;
  std::vector<Layer> layers_;
  Panels head_;
  std::vector<float> cosines_, sines_;  // [position][head_dim / 2]
};

}  // namespace stillwatch::model
