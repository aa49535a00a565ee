#include "training/recipe.h"

#include <fmt/format.h>

#include "base/yaml_map.h"
#include "training/induction.h"

namespace stillwatch::training {
namespace {

constexpr int64_t kByteTokens = 256;

void read_shape(base::YamlMap& y, model::Config& c) {
  y.number("dim", c.dim, 1, model::kDimMax);
  y.number("layers", c.layers, 1, model::kLayersMax);
  y.number("heads", c.heads, 1, model::kDimMax);
  c.kv_heads = c.heads;
  y.number("kv_heads", c.kv_heads, 1, model::kDimMax);
  if (c.heads > 0 && c.dim % c.heads == 0) c.head_dim = c.dim / c.heads;
  y.number("head_dim", c.head_dim, 2, model::kDimMax);
  y.number("ffn_dim", c.ffn_dim, 1, 4 * model::kDimMax);
  y.number("context", c.context, 2, model::kContextMax);
  y.number("rope_theta", c.rope_theta, 1, 1e12);
  y.flag("tied", c.tied);
  y.flag("attention_bias", c.attention_bias);
}

}  // namespace

base::Result<Recipe> Recipe::parse(std::string_view yaml, std::string_view file) {
  auto root = base::YamlMap::parse(yaml, file);
  if (!root) return tl::unexpected(root.error());
  Recipe r;
  model::Config& c = r.shape;
  c.dim = 128;
  c.layers = 4;
  c.heads = 4;
  c.ffn_dim = 352;
  c.context = 512;
  root->number("vocabulary", r.vocabulary, kByteTokens + 16, model::kVocabularyMax);
  base::YamlMap shape(root->take("model"), file), plan(root->take("training"), file);
  if (root->take("model")) {
    read_shape(shape, c);
    shape.number("deviation", r.deviation, 0, 10);
    shape.flag("induction", r.induction);
    root->adopt(shape);
  }
  if (root->take("training")) {
    r.plan.read(plan);
    root->adopt(plan);
  }
  if (auto error = root->finish()) return tl::unexpected(*error);
  if (c.kv_heads == 0) c.kv_heads = c.heads;
  if (c.head_dim == 0) c.head_dim = c.dim / c.heads;
  c.vocab_size = r.vocabulary;
  if (auto ok = c.check(file); !ok) return tl::unexpected(base::Error{base::ErrorCode::kUsage, ok.error().message});
  if (const auto why = r.induction ? no_room_for_induction(c) : std::nullopt)
    return base::fail(base::ErrorCode::kUsage, fmt::format("{}: {}", file, *why));
  return r;
}

}  // namespace stillwatch::training
