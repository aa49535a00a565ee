// The shape of a decoder-only transformer of the Llama family: RMSNorm, rotary positions, grouped-query attention,
// SwiGLU, tied or untied head, with a bias on queries, keys and values where attention_bias says so (Qwen2).
//
// Read from and written as Hugging Face's config.json (Llama, Qwen2; what they can say and this model cannot do is
// refused by the name of its field). Invariant: check() holds for every Config that a reader gave.
// Sources: Touvron et al. 2023 (Llama), section 2.2; Ainslie et al. 2023 (grouped queries); Qwen2 report 2024.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace stillwatch::model {

constexpr int64_t kVocabularyMax = 1 << 20;
constexpr int64_t kDimMax = 1 << 16;
constexpr int64_t kLayersMax = 512;
constexpr int64_t kContextMax = 1 << 20;        // tokens
constexpr int64_t kParametersMax = 16LL << 30;  // numbers

struct Config {
  int64_t vocab_size = 0;
  int64_t dim = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;  // heads / kv_heads queries share keys and values
  int64_t head_dim = 0;
  int64_t ffn_dim = 0;
  int64_t context = 0;  // tokens
  double rope_theta = 10'000;
  double norm_epsilon = 1e-5;
  bool tied = true;  // the head is the embedding
  bool attention_bias = false;
  int32_t bos = -1;  // -1: none
  std::vector<int32_t> eos;

  int64_t query_dim() const { return heads * head_dim; }
  int64_t kv_dim() const { return kv_heads * head_dim; }
  int64_t parameters() const;

  // The field that is impossible, and why.
  base::Result<void> check(std::string_view file) const;
  static base::Result<Config> from_json(std::string_view text, std::string_view file);
  std::string to_json() const;
};

}  // namespace stillwatch::model
