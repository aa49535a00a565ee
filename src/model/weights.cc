#include "model/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

namespace stillwatch::model {

using base::ErrorCode;

std::string layer_name(int64_t layer, std::string_view what) {
  return fmt::format("model.layers.{}.{}.weight", layer, what);
}

std::vector<Slot> slots_of(const Config& c) {
  std::vector<Slot> slots{{"model.embed_tokens.weight", {c.vocab_size, c.dim}}};
  for (int64_t n = 0; n < c.layers; ++n) {
    const auto add = [&](std::string_view what, std::vector<int64_t> shape) {
      slots.push_back({layer_name(n, what), std::move(shape)});
    };
    add("input_layernorm", {c.dim});
    add("self_attn.q_proj", {c.query_dim(), c.dim});
    add("self_attn.k_proj", {c.kv_dim(), c.dim});
    add("self_attn.v_proj", {c.kv_dim(), c.dim});
    if (c.attention_bias) {
      slots.push_back({fmt::format("model.layers.{}.self_attn.q_proj.bias", n), {c.query_dim()}});
      slots.push_back({fmt::format("model.layers.{}.self_attn.k_proj.bias", n), {c.kv_dim()}});
      slots.push_back({fmt::format("model.layers.{}.self_attn.v_proj.bias", n), {c.kv_dim()}});
    }
    add("self_attn.o_proj", {c.dim, c.query_dim()});
    add("post_attention_layernorm", {c.dim});
    add("mlp.gate_proj", {c.ffn_dim, c.dim});
    add("mlp.up_proj", {c.ffn_dim, c.dim});
    add("mlp.down_proj", {c.dim, c.ffn_dim});
  }
  slots.push_back({"model.norm.weight", {c.dim}});
  if (!c.tied) slots.push_back({"lm_head.weight", {c.vocab_size, c.dim}});
  return slots;
}

base::Result<void> fit(Weights& weights, const Config& config, std::string_view file) {
  std::erase_if(weights, [&](const auto& entry) {
    return entry.first.ends_with(".rotary_emb.inv_freq") || (config.tied && entry.first == "lm_head.weight");
  });
  std::set<std::string_view> known;
  const std::vector<Slot> slots = slots_of(config);
  for (const Slot& slot : slots) {
    known.insert(slot.name);
    const auto it = weights.find(slot.name);
    if (it == weights.end())
      return base::fail(ErrorCode::kInput, fmt::format("{}: tensor {} is missing", file, slot.name));
    if (it->second.shape != slot.shape) {
      return base::fail(ErrorCode::kInput,
                        fmt::format("{}: tensor {} is [{}], config.json asks for [{}]", file, slot.name,
                                    fmt::join(it->second.shape, ", "), fmt::join(slot.shape, ", ")));
    }
  }
  for (const auto& entry : weights) {
    if (!known.contains(entry.first)) {
      return base::fail(ErrorCode::kInput, fmt::format("{}: tensor {} has no place in this model", file,
                                                       entry.first.size() < 200 ? entry.first : "of a long name"));
    }
  }
  return {};
}

}  // namespace stillwatch::model
