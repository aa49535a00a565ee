#include "model/llama2c.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/bytes.h"
#include "model/tokenizer_state.h"

namespace stillwatch::model {
namespace {

using base::ErrorCode;
using base::Result;

constexpr uint32_t kNewerMagic = 0x616b3432;  // "ak42": versions 1 and 2

// Takes tensors from the front of the file.
class Numbers {
 public:
  explicit Numbers(std::string_view bytes) : bytes_(bytes) {}
  std::vector<float> take(int64_t count) {
    std::vector<float> out(static_cast<size_t>(count));
    std::memcpy(out.data(), bytes_.data(), out.size() * sizeof(float));
    bytes_.remove_prefix(out.size() * sizeof(float));
    return out;
  }
  void skip(int64_t count) { bytes_.remove_prefix(static_cast<size_t>(count) * sizeof(float)); }

 private:
  std::string_view bytes_;
};

// Rows 0, 1, 2, 3, ... of each head to 0, 2, ..., 1, 3, ...
void part_pairs(std::vector<float>& rows, int64_t heads, int64_t head_dim, int64_t dim) {
  std::vector<float> head(static_cast<size_t>(head_dim * dim));
  for (int64_t h = 0; h < heads; ++h) {
    float* at = rows.data() + h * head_dim * dim;
    for (int64_t i = 0; i < head_dim; ++i) {
      const int64_t to = i / 2 + (i % 2) * head_dim / 2;
      std::copy_n(at + i * dim, dim, head.data() + to * dim);
    }
    std::copy(head.begin(), head.end(), at);
  }
}

}  // namespace

Result<Checkpoint> read_llama2c(std::string_view bytes, std::string_view file) {
  const auto wrong = [&](std::string_view what) {
    return base::fail(ErrorCode::kInput, fmt::format("{}: {}", file, what));
  };
  base::Reader reader(bytes);
  int32_t head[7];
  for (int32_t& n : head) n = static_cast<int32_t>(reader.u32());
  if (reader.failed()) return wrong("is too short to be a llama2.c checkpoint");
  if (static_cast<uint32_t>(head[0]) == kNewerMagic)
    return wrong("is a llama2.c checkpoint of a newer version: export it with --version 0");
  Checkpoint out;
  Config& c = out.config;
  c.dim = head[0];
  c.ffn_dim = head[1];
  c.layers = head[2];
  c.heads = head[3];
  c.kv_heads = head[4];
  c.tied = head[5] > 0;
  c.vocab_size = std::abs(static_cast<int64_t>(head[5]));
  c.context = head[6];
  if (c.heads < 1 || c.dim % c.heads != 0) return wrong("has a number of heads that does not divide its dimension");
  c.head_dim = c.dim / c.heads;
  c.bos = 1;
  c.eos = {1, 2};  // run.c ends at the token that begins a story
  if (c.vocab_size <= 2) c.eos = {};
  if (c.bos >= c.vocab_size) c.bos = -1;
  if (auto ok = c.check(file); !ok) return tl::unexpected(ok.error());
  const int64_t angles = c.context * (c.head_dim / 2) * 2;
  const int64_t wanted = c.parameters() + angles;
  if (reader.remaining() != static_cast<size_t>(wanted) * sizeof(float)) {
    return wrong(fmt::format("holds {} bytes of numbers where its head asks for {}: is it cut off? fetch it again",
                             reader.remaining(), wanted * static_cast<int64_t>(sizeof(float))));
  }
  Numbers in(bytes.substr(sizeof head));
  const auto matrices = [&](std::string_view what, std::vector<int64_t> shape) {
    int64_t count = 1;
    for (const int64_t n : shape) count *= n;
    for (int64_t layer = 0; layer < c.layers; ++layer) out.weights[layer_name(layer, what)] = {shape, in.take(count)};
  };
  out.weights["model.embed_tokens.weight"] = {{c.vocab_size, c.dim}, in.take(c.vocab_size * c.dim)};
  matrices("input_layernorm", {c.dim});
  matrices("self_attn.q_proj", {c.query_dim(), c.dim});
  matrices("self_attn.k_proj", {c.kv_dim(), c.dim});
  matrices("self_attn.v_proj", {c.kv_dim(), c.dim});
  matrices("self_attn.o_proj", {c.dim, c.query_dim()});
  matrices("post_attention_layernorm", {c.dim});
  matrices("mlp.gate_proj", {c.ffn_dim, c.dim});
  matrices("mlp.down_proj", {c.dim, c.ffn_dim});
  matrices("mlp.up_proj", {c.ffn_dim, c.dim});
  out.weights["model.norm.weight"] = {{c.dim}, in.take(c.dim)};
  in.skip(angles);
  if (!c.tied) out.weights["lm_head.weight"] = {{c.vocab_size, c.dim}, in.take(c.vocab_size * c.dim)};
  for (int64_t layer = 0; layer < c.layers; ++layer) {
    part_pairs(out.weights[layer_name(layer, "self_attn.q_proj")].values, c.heads, c.head_dim, c.dim);
    part_pairs(out.weights[layer_name(layer, "self_attn.k_proj")].values, c.kv_heads, c.head_dim, c.dim);
  }
  for (const auto& [name, tensor] : out.weights) {
    if (!std::all_of(tensor.values.begin(), tensor.values.end(), [](float v) { return std::isfinite(v); }))
      return wrong(fmt::format("tensor {} holds a NaN or an infinity: the checkpoint is damaged", name));
  }
  return out;
}

Result<Tokenizer> Tokenizer::from_llama2c(std::string_view bytes, size_t vocab_size, std::string_view file) {
  const auto wrong = [&](std::string_view what) {
    return base::fail(ErrorCode::kInput, fmt::format("{}: {}", file, what));
  };
  constexpr size_t kPieceBytesMax = 4096;
  constexpr int32_t kFirstByte = 3;  // behind <unk>, <s> and </s>
  constexpr int32_t kFirstPiece = kFirstByte + 256;
  if (vocab_size < kFirstPiece || vocab_size > (1 << 20))
    return wrong("belongs to a model of an impossible vocabulary");
  base::Reader reader(bytes);
  reader.u32();  // the longest piece
  TokenizerBuilder builder;
  State& s = builder.state();
  s.by_characters = true;
  s.leading_space = true;
  s.split.pattern = Pattern::kWhole;
  std::vector<double> costs(vocab_size);
  for (size_t i = 0; i < vocab_size; ++i) {
    const auto token = static_cast<int32_t>(i);
    const auto score = std::bit_cast<float>(reader.u32());
    const size_t size = reader.u32();
    if (reader.failed() || size > kPieceBytesMax || size > reader.remaining())
      return wrong(
          fmt::format("ends or is broken at token {}; the model has {}: is this its tokenizer?", i, vocab_size));
    const std::string piece(bytes.substr(bytes.size() - reader.remaining(), size));
    for (size_t skipped = 0; skipped < size; ++skipped) reader.u8();
    costs[i] = std::isfinite(score) ? -static_cast<double>(score) : 1e30;
    if (token >= kFirstByte && token < kFirstPiece) {
      const auto byte = static_cast<size_t>(token - kFirstByte);
      s.byte_tokens[byte] = token;
      builder.add_byte(token, std::string(1, static_cast<char>(byte)));
    } else if (token < kFirstByte) {
      static constexpr const char* kNames[] = {"<unk>", "<s>", "</s>"};
      builder.add_mark(token, kNames[i], true);
    } else if (simdjson::validate_utf8(piece)) {  // JSON, in which tokenizers are told, knows no other text
      builder.add(token, piece);
    } else {
      return wrong(fmt::format("token {} is no UTF-8", i));
    }
  }
  if (reader.remaining() != 0)
    return wrong(fmt::format("holds more than the {} tokens of the model: is this its tokenizer?", vocab_size));
  // Two neighbours merge where together they are a token: its score says when.
  const auto token_of = [&](std::string_view piece) {
    const auto it = s.tokens.find(piece);
    return it != s.tokens.end() ? it->second : -1;
  };
  for (const auto& [piece, token] : s.tokens) {
    for (size_t cut = 1; cut < piece.size() && piece.size() <= 256; ++cut) {
      const int32_t left = token_of(std::string_view(piece).substr(0, cut));
      const int32_t right = token_of(std::string_view(piece).substr(cut));
      if (left >= 0 && right >= 0) builder.add_merge(left, right, {costs[static_cast<size_t>(token)], token});
    }
  }
  return builder.finish("", file);
}

}  // namespace stillwatch::model
