#include "model/config.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

namespace stillwatch::model {
namespace {

using base::ErrorCode;
using base::Result;
using Json = nlohmann::json;

// Fields of a JSON object, the first fault kept.
class Fields {
 public:
  Fields(const Json& object, std::string_view file) : object_(object), file_(file) {}

  const Json* find(const char* key) const {
    const auto it = object_.find(key);
    return it == object_.end() || it->is_null() ? nullptr : &*it;
  }
  void whole(const char* key, int64_t& out, bool required) {
    const Json* value = find(key);
    if (value == nullptr) {
      if (required) fail(key, "is missing");
    } else if (value->is_number_integer() && value->get<int64_t>() >= 0) {
      out = value->get<int64_t>();
    } else {
      fail(key, "is no whole number");
    }
  }
  void number(const char* key, double& out) {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_number()) return fail(key, "is no number");
    out = value->get<double>();
  }
  void flag(const char* key, bool& out) {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_boolean()) return fail(key, "is neither true nor false");
    out = value->get<bool>();
  }
  // Something this model cannot do unless the field has the one value it can.
  void only(const char* key, const Json& can) {
    const Json* value = find(key);
    if (value != nullptr && *value != can)
      fail(key, fmt::format("is not {}, which is all that is known here", can.dump()));
  }
  void fail(const char* key, std::string_view what) {
    if (!error_) error_ = base::Error{ErrorCode::kInput, fmt::format("{}: `{}` {}", file_, key, what)};
  }
  const std::optional<base::Error>& error() const { return error_; }

 private:
  const Json& object_;
  std::string_view file_;
  std::optional<base::Error> error_;
};

void read_tokens(Fields& f, Config& c) {
  int64_t bos = -1;
  if (f.find("bos_token_id") != nullptr) f.whole("bos_token_id", bos, false);
  c.bos = static_cast<int32_t>(std::min<int64_t>(bos, kVocabularyMax));
  const Json* eos = f.find("eos_token_id");
  if (eos == nullptr) return;
  for (const Json& id : eos->is_array() ? *eos : Json::array({*eos})) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > kVocabularyMax)
      return f.fail("eos_token_id", "is no token");
    c.eos.push_back(id.get<int32_t>());
  }
}

// Positions that are stretched would need more than an angle a position.
void read_rope(Fields& f, Config& c) {
  f.number("rope_theta", c.rope_theta);
  const Json* scaling = f.find("rope_scaling");
  if (scaling != nullptr) f.fail("rope_scaling", "stretches positions, which is not known here");
  const Json* rope = f.find("rope_parameters");
  if (rope == nullptr) return;
  const auto type = rope->is_object() ? rope->find("rope_type") : rope->end();
  if (!rope->is_object() || (type != rope->end() && *type != "default"))
    return f.fail("rope_parameters", "stretches positions, which is not known here");
  const auto theta = rope->find("rope_theta");
  if (theta != rope->end() && theta->is_number()) c.rope_theta = theta->get<double>();
}

}  // namespace

int64_t Config::parameters() const {
  const int64_t attention = dim * (query_dim() + 2 * kv_dim()) + query_dim() * dim;
  const int64_t bias = attention_bias ? query_dim() + 2 * kv_dim() : 0;
  const int64_t layer = attention + bias + 3 * dim * ffn_dim + 2 * dim;
  return vocab_size * dim * (tied ? 1 : 2) + layers * layer + dim;
}

Result<void> Config::check(std::string_view file) const {
  struct Bound {
    const char* field;
    int64_t value, max;
  };
  for (const auto& [field, value, max] :
       {Bound{"vocab_size", vocab_size, kVocabularyMax}, Bound{"hidden_size", dim, kDimMax},
        Bound{"num_hidden_layers", layers, kLayersMax}, Bound{"num_attention_heads", heads, kDimMax},
        Bound{"num_key_value_heads", kv_heads, kDimMax}, Bound{"head_dim", head_dim, kDimMax},
        Bound{"intermediate_size", ffn_dim, 4 * kDimMax}, Bound{"max_position_embeddings", context, kContextMax}}) {
    if (value < 1 || value > max)
      return base::fail(ErrorCode::kInput, fmt::format("{}: `{}` is {}, not from 1 to {}", file, field, value, max));
  }
  const auto wrong = [&](std::string_view what) {
    return base::fail(ErrorCode::kInput, fmt::format("{}: {}", file, what));
  };
  if (heads % kv_heads != 0) return wrong("`num_attention_heads` is no multiple of `num_key_value_heads`");
  if (head_dim % 2 != 0) return wrong("`head_dim` is odd: rotary positions turn pairs");
  if (heads * head_dim > 4 * kDimMax) return wrong("`num_attention_heads` times `head_dim` is too large");
  if (!(rope_theta >= 1 && rope_theta <= 1e12)) return wrong("`rope_theta` is not from 1 to 1e12");
  if (!(norm_epsilon > 0 && norm_epsilon < 0.1)) return wrong("`rms_norm_eps` is not between 0 and 0.1");
  if (bos >= vocab_size) return wrong("`bos_token_id` is not in the vocabulary");
  for (const int32_t id : eos) {
    if (id >= vocab_size) return wrong("`eos_token_id` is not in the vocabulary");
  }
  if (parameters() > kParametersMax) return wrong(fmt::format("a model of {} parameters is too large", parameters()));
  return {};
}

Result<Config> Config::from_json(std::string_view text, std::string_view file) {
  const Json object = Json::parse(text, nullptr, false);
  if (!object.is_object()) return base::fail(ErrorCode::kInput, fmt::format("{} is no JSON object", file));
  Fields f(object, file);
  Config c;
  const Json* type = f.find("model_type");
  const std::string kind = type != nullptr && type->is_string() ? type->get<std::string>() : "";
  if (kind != "llama" && kind != "qwen2") f.fail("model_type", "is neither llama nor qwen2");
  f.whole("vocab_size", c.vocab_size, true);
  f.whole("hidden_size", c.dim, true);
  f.whole("num_hidden_layers", c.layers, true);
  f.whole("num_attention_heads", c.heads, true);
  f.whole("intermediate_size", c.ffn_dim, true);
  f.whole("max_position_embeddings", c.context, true);
  c.kv_heads = c.heads;
  f.whole("num_key_value_heads", c.kv_heads, false);
  c.head_dim = c.heads > 0 ? c.dim / c.heads : 0;
  f.whole("head_dim", c.head_dim, false);
  c.norm_epsilon = 1e-6;  // what their readers take where the file is silent
  f.number("rms_norm_eps", c.norm_epsilon);
  c.tied = false;
  f.flag("tie_word_embeddings", c.tied);
  c.attention_bias = kind == "qwen2";
  if (kind == "llama") f.only("attention_bias", false);
  f.only("mlp_bias", false);
  f.only("hidden_act", "silu");
  f.only("use_sliding_window", false);
  f.only("pretraining_tp", 1);
  f.only("quantization_config", nullptr);
  read_rope(f, c);
  read_tokens(f, c);
  if (f.error()) return tl::unexpected(*f.error());
  if (auto ok = c.check(file); !ok) return tl::unexpected(ok.error());
  return c;
}

std::string Config::to_json() const {
  nlohmann::ordered_json out;
  out["architectures"] = {attention_bias ? "Qwen2ForCausalLM" : "LlamaForCausalLM"};
  out["model_type"] = attention_bias ? "qwen2" : "llama";
  out["vocab_size"] = vocab_size;
  out["hidden_size"] = dim;
  out["num_hidden_layers"] = layers;
  out["num_attention_heads"] = heads;
  out["num_key_value_heads"] = kv_heads;
  out["head_dim"] = head_dim;
  out["intermediate_size"] = ffn_dim;
  out["max_position_embeddings"] = context;
  out["rope_theta"] = rope_theta;
  out["rms_norm_eps"] = norm_epsilon;
  out["tie_word_embeddings"] = tied;
  out["hidden_act"] = "silu";
  out["bos_token_id"] = bos >= 0 ? Json(bos) : Json(nullptr);
  out["eos_token_id"] = eos.empty() ? Json(nullptr) : eos.size() == 1 ? Json(eos[0]) : Json(eos);
  return out.dump(2) + "\n";
}

}  // namespace stillwatch::model
