#include "model/transformer.h"

#include <algorithm>
#include <cmath>

namespace stillwatch::model {
namespace {

size_t size(int64_t n) {
  return static_cast<size_t>(n);
}

size_t padded(size_t n) {
  return (n + Panels::kWidth - 1) / Panels::kWidth * Panels::kWidth;
}

}  // namespace

Cache::Cache(const Config& config, size_t tokens_max)
    : tokens_max_(padded(tokens_max)),
      keys_(size(config.layers * config.kv_dim()) * tokens_max_),
      values_(size(config.layers * config.kv_dim()) * tokens_max_) {}

size_t Cache::bytes_of(const Config& config, size_t tokens_max) {
  return 2 * sizeof(float) * size(config.layers * config.kv_dim()) * padded(tokens_max);
}

Transformer::Transformer(const Config& config, Weights weights) : config_(config) {
  const auto take = [&](const std::string& name) { return std::move(weights.find(name)->second.values); };
  embedding_ = take("model.embed_tokens.weight");
  norm_ = take("model.norm.weight");
  const auto panels = [&](std::initializer_list<std::string> names, int64_t in) {
    std::vector<std::vector<float>> parts;
    for (const std::string& name : names) parts.push_back(take(name));
    const std::vector<std::span<const float>> views(parts.begin(), parts.end());
    return Panels(views, size(in));
  };
  for (int64_t n = 0; n < config_.layers; ++n) {
    Layer layer;
    layer.norm1 = take(layer_name(n, "input_layernorm"));
    layer.norm2 = take(layer_name(n, "post_attention_layernorm"));
    if (config_.attention_bias) {
      for (const char* which : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}) {
        std::string name = layer_name(n, which);
        const auto part = take(name.replace(name.size() - 6, 6, "bias"));
        layer.bias.insert(layer.bias.end(), part.begin(), part.end());
      }
    }
    layer.qkv = panels(
        {layer_name(n, "self_attn.q_proj"), layer_name(n, "self_attn.k_proj"), layer_name(n, "self_attn.v_proj")},
        config_.dim);
    layer.out = panels({layer_name(n, "self_attn.o_proj")}, config_.query_dim());
    layer.gate_up = panels({layer_name(n, "mlp.gate_proj"), layer_name(n, "mlp.up_proj")}, config_.dim);
    layer.down = panels({layer_name(n, "mlp.down_proj")}, config_.ffn_dim);
    layers_.push_back(std::move(layer));
  }
  if (config_.tied) {
    const std::span<const float> view(embedding_);
    head_ = Panels(std::span(&view, 1), size(config_.dim));
  } else {
    head_ = panels({"lm_head.weight"}, config_.dim);
  }
  const size_t half = size(config_.head_dim) / 2;
  for (size_t p = 0; p < size(config_.context); ++p) {
    for (size_t i = 0; i < half; ++i) {
      const double angle =
          static_cast<double>(p) * std::pow(config_.rope_theta, -static_cast<double>(i) / static_cast<double>(half));
      cosines_.push_back(static_cast<float>(std::cos(angle)));
      sines_.push_back(static_cast<float>(std::sin(angle)));
    }
  }
}

void Transformer::turn(float* row, size_t position) const {
  const size_t half = size(config_.head_dim) / 2;
  for (size_t h = 0; h < size(config_.heads + config_.kv_heads); ++h)
    rotate(row + h * 2 * half, cosines_.data() + position * half, sines_.data() + position * half, half, false);
}

void Transformer::remember(const float* row, size_t layer, Cache& cache, size_t position) const {
  const size_t dim = size(config_.head_dim), kv_heads = size(config_.kv_heads);
  const float* key = row + size(config_.query_dim());
  const float* value = key + size(config_.kv_dim());
  for (size_t h = 0; h < kv_heads; ++h) {
    const size_t head = (layer * kv_heads + h) * cache.tokens_max_ * dim;
    float* block = cache.keys_.data() + head + position / Panels::kWidth * Panels::kWidth * dim;
    for (size_t d = 0; d < dim; ++d) block[d * Panels::kWidth + position % Panels::kWidth] = key[h * dim + d];
    std::copy_n(value + h * dim, dim, cache.values_.data() + head + position * dim);
  }
}

void Transformer::attend(const float* row, size_t layer, const Cache& cache, size_t tokens, std::vector<float>& scores,
                         float* out) const {
  const size_t dim = size(config_.head_dim), kv_heads = size(config_.kv_heads);
  const size_t group = size(config_.heads) / kv_heads, width = padded(tokens);
  const float scale = 1 / std::sqrt(static_cast<float>(dim));
  scores.resize(std::max(scores.size(), group * width));
  for (size_t h = 0; h < kv_heads; ++h) {
    const size_t head = (layer * kv_heads + h) * cache.tokens_max_ * dim;
    const float* query = row + h * group * dim;
    for (size_t block = 0; block < width; block += Panels::kWidth) {
      multiply(group, Panels::kWidth, dim, {query, dim, 1}, cache.keys_.data() + head + block * dim, Panels::kWidth,
               scores.data() + block, width, false);
    }
    for (size_t g = 0; g < group; ++g) {
      float* s = scores.data() + g * width;
      for (size_t t = 0; t < tokens; ++t) s[t] *= scale;
      softmax(s, tokens);
    }
    multiply(group, dim, tokens, {scores.data(), width, 1}, cache.values_.data() + head, dim, out + h * group * dim,
             dim, false);
  }
}

void Transformer::read(std::span<const Part> parts, Room& room, std::vector<float>& logits) const {
  const size_t dim = size(config_.dim), qkv = size(config_.query_dim() + 2 * config_.kv_dim());
  const size_t query = size(config_.query_dim()), ffn = size(config_.ffn_dim), vocab = size(config_.vocab_size);
  const auto epsilon = static_cast<float>(config_.norm_epsilon);
  size_t n = 0;
  for (const Part& part : parts) n += part.tokens.size();
  room.x.resize(n * dim);
  room.normed.resize(n * dim);
  room.qkv.resize(n * qkv);
  room.attended.resize(n * query);
  room.gate_up.resize(n * 2 * ffn);
  room.inner.resize(n * ffn);
  float* at = room.x.data();
  for (const Part& part : parts) {
    for (const int32_t token : part.tokens) at = std::copy_n(embedding_.data() + size(token) * dim, dim, at);
  }
  for (size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    for (size_t i = 0; i < n; ++i)
      rms_norm(room.x.data() + i * dim, layer.norm1.data(), epsilon, dim, room.normed.data() + i * dim);
    layer.qkv.apply(0, layer.qkv.panels(), room.normed.data(), n, room.qkv.data(), qkv);
    size_t i = 0;
    for (const Part& part : parts) {
      for (size_t t = 0; t < part.tokens.size(); ++t, ++i) {
        float* row = room.qkv.data() + i * qkv;
        if (!layer.bias.empty()) add(row, layer.bias.data(), qkv);
        const size_t position = part.cache->tokens_ + t;
        turn(row, position);
        remember(row, l, *part.cache, position);
        attend(row, l, *part.cache, position + 1, room.scores, room.attended.data() + i * query);
      }
    }
    layer.out.apply(0, layer.out.panels(), room.attended.data(), n, room.normed.data(), dim);
    add(room.x.data(), room.normed.data(), n * dim);
    for (i = 0; i < n; ++i)
      rms_norm(room.x.data() + i * dim, layer.norm2.data(), epsilon, dim, room.normed.data() + i * dim);
    layer.gate_up.apply(0, layer.gate_up.panels(), room.normed.data(), n, room.gate_up.data(), 2 * ffn);
    for (i = 0; i < n; ++i) {
      const float* gate = room.gate_up.data() + i * 2 * ffn;
      swiglu(gate, gate + ffn, ffn, room.inner.data() + i * ffn);
    }
    layer.down.apply(0, layer.down.panels(), room.inner.data(), n, room.normed.data(), dim);
    add(room.x.data(), room.normed.data(), n * dim);
  }
  // Logits of the rows asked for, gathered in front.
  room.last.resize(n * dim);
  size_t rows = 0, i = 0;
  for (const Part& part : parts) {
    for (size_t t = 0; t < part.tokens.size(); ++t, ++i) {
      if (!part.all_logits && t + 1 < part.tokens.size()) continue;
      rms_norm(room.x.data() + i * dim, norm_.data(), epsilon, dim, room.last.data() + rows++ * dim);
    }
    part.cache->tokens_ += part.tokens.size();
  }
  logits.resize(rows * vocab);
  head_.apply(0, head_.panels(), room.last.data(), rows, logits.data(), vocab);
}

}  // namespace stillwatch::model
