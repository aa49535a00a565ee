// The named tensors of a model, in 32-bit floats, under the names of Hugging Face's Llama:
// model.embed_tokens.weight, model.layers.N.self_attn.q_proj.weight, ..., lm_head.weight.
//
// Row-major, [out, in] for matrices. Queries and keys are in the layout where a position turns number i of a head
// together with number i + head_dim / 2. Thread rule: values.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/config.h"

namespace stillwatch::model {

struct Tensor {
  std::vector<int64_t> shape;
  std::vector<float> values;
};
using Weights = std::map<std::string, Tensor, std::less<>>;

struct Slot {
  std::string name;
  std::vector<int64_t> shape;
};
// What a model of this shape consists of, in the order of its computation.
std::vector<Slot> slots_of(const Config& config);
std::string layer_name(int64_t layer, std::string_view what);

// Every slot is there in its shape, and nothing else is. A head that is there although it is tied, and the frequencies
// of positions that some exports keep, are dropped.
base::Result<void> fit(Weights& weights, const Config& config, std::string_view file);

}  // namespace stillwatch::model
