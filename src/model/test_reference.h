// A transformer in double precision, written for reading: what the fast ones are held against. One sequence, all
// positions at once, nothing remembered. For tests.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "base/random.h"
#include "model/weights.h"

namespace stillwatch::model {

using Row = std::vector<double>;

inline Row times(const Tensor& matrix, const Row& x) {
  Row y(static_cast<size_t>(matrix.shape[0]), 0.0);
  for (size_t o = 0; o < y.size(); ++o) {
    for (size_t i = 0; i < x.size(); ++i) y[o] += static_cast<double>(matrix.values[o * x.size() + i]) * x[i];
  }
  return y;
}

inline Row normed(const Row& x, const Tensor& weight, double epsilon) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  Row y(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = x[i] / std::sqrt(sum / static_cast<double>(x.size()) + epsilon) * static_cast<double>(weight.values[i]);
  return y;
}

// One head turned to its position: number i with number i + half.
inline void turn(Row& x, size_t head, size_t head_dim, size_t position, double theta) {
  for (size_t i = 0; i < head_dim / 2; ++i) {
    const double angle =
        static_cast<double>(position) / std::pow(theta, 2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
    double& a = x[head * head_dim + i];
    double& b = x[head * head_dim + i + head_dim / 2];
    const double turned = a * std::cos(angle) - b * std::sin(angle);
    b = b * std::cos(angle) + a * std::sin(angle);
    a = turned;
  }
}

// The logits at every position.
inline std::vector<Row> reference_logits(const Config& c, const Weights& w, std::span<const int32_t> tokens) {
  const auto get = [&](const std::string& name) -> const Tensor& { return w.find(name)->second; };
  const auto heads = static_cast<size_t>(c.heads), kv_heads = static_cast<size_t>(c.kv_heads);
  const auto hd = static_cast<size_t>(c.head_dim), dim = static_cast<size_t>(c.dim);
  std::vector<Row> x;
  for (const int32_t t : tokens) {
    const float* row = get("model.embed_tokens.weight").values.data() + static_cast<size_t>(t) * dim;
    x.emplace_back(row, row + dim);
  }
  for (int64_t l = 0; l < c.layers; ++l) {
    const auto biased = [&](Row y, const char* which) {
      if (!c.attention_bias) return y;
      const std::string name = layer_name(l, which);
      const Tensor& b = get(name.substr(0, name.size() - 6) + "bias");
      for (size_t i = 0; i < y.size(); ++i) y[i] += static_cast<double>(b.values[i]);
      return y;
    };
    std::vector<Row> keys, values;
    for (size_t p = 0; p < x.size(); ++p) {
      const Row h = normed(x[p], get(layer_name(l, "input_layernorm")), c.norm_epsilon);
      Row q = biased(times(get(layer_name(l, "self_attn.q_proj")), h), "self_attn.q_proj");
      keys.push_back(biased(times(get(layer_name(l, "self_attn.k_proj")), h), "self_attn.k_proj"));
      values.push_back(biased(times(get(layer_name(l, "self_attn.v_proj")), h), "self_attn.v_proj"));
      for (size_t head = 0; head < heads; ++head) turn(q, head, hd, p, c.rope_theta);
      for (size_t head = 0; head < kv_heads; ++head) turn(keys.back(), head, hd, p, c.rope_theta);
      Row attended(heads * hd, 0.0);
      for (size_t head = 0; head < heads; ++head) {
        const size_t kv = head / (heads / kv_heads);
        Row weight(p + 1);
        double total = 0;
        for (size_t t = 0; t <= p; ++t) {
          double s = 0;
          for (size_t d = 0; d < hd; ++d) s += q[head * hd + d] * keys[t][kv * hd + d];
          weight[t] = std::exp(s / std::sqrt(static_cast<double>(hd)));
          total += weight[t];
        }
        for (size_t t = 0; t <= p; ++t) {
          for (size_t d = 0; d < hd; ++d) attended[head * hd + d] += weight[t] / total * values[t][kv * hd + d];
        }
      }
      const Row out = times(get(layer_name(l, "self_attn.o_proj")), attended);
      for (size_t i = 0; i < dim; ++i) x[p][i] += out[i];
      const Row g = normed(x[p], get(layer_name(l, "post_attention_layernorm")), c.norm_epsilon);
      Row gate = times(get(layer_name(l, "mlp.gate_proj")), g);
      const Row up = times(get(layer_name(l, "mlp.up_proj")), g);
      for (size_t i = 0; i < gate.size(); ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
      const Row down = times(get(layer_name(l, "mlp.down_proj")), gate);
      for (size_t i = 0; i < dim; ++i) x[p][i] += down[i];
    }
  }
  std::vector<Row> logits;
  for (const Row& row : x) {
    logits.push_back(times(get(c.tied ? "model.embed_tokens.weight" : "lm_head.weight"),
                           normed(row, get("model.norm.weight"), c.norm_epsilon)));
  }
  return logits;
}

// A small shape with everything in it, and weights that no symmetry makes equal.
inline Config tiny_config(bool tied, bool bias) {
  Config c;
  c.vocab_size = 23;
  c.dim = 24;
  c.layers = 2;
  c.heads = 4;
  c.kv_heads = 2;
  c.head_dim = 8;
  c.ffn_dim = 20;
  c.context = 64;
  c.rope_theta = 500;
  c.tied = tied;
  c.attention_bias = bias;
  return c;
}

inline Weights random_weights(const Config& c, uint64_t seed) {
  base::Random random(seed);
  Weights w;
  for (const Slot& slot : slots_of(c)) {
    Tensor t{slot.shape, {}};
    size_t n = 1;
    for (const int64_t side : slot.shape) n *= static_cast<size_t>(side);
    const bool norm = slot.shape.size() == 1 && !slot.name.ends_with(".bias");
    for (size_t i = 0; i < n; ++i) t.values.push_back(static_cast<float>((norm ? 1 : 0) + 0.3 * random.normal()));
    w[slot.name] = std::move(t);
  }
  return w;
}

}  // namespace stillwatch::model
