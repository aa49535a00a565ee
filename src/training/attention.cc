#include "training/attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "model/kernels.h"

namespace stillwatch::training {
namespace {

constexpr size_t kBlock = 48;  // queries at once
constexpr size_t kWidth = 16;  // scores are computed for whole multiples of it

size_t padded(size_t n) {
  return (n + kWidth - 1) / kWidth * kWidth;
}

struct Shape {
  explicit Shape(const model::Config& c)
      : heads(static_cast<size_t>(c.heads)),
        kv_heads(static_cast<size_t>(c.kv_heads)),
        dim(static_cast<size_t>(c.head_dim)),
        row((heads + 2 * kv_heads) * dim),
        scale(1 / std::sqrt(static_cast<float>(dim))) {}
  size_t heads, kv_heads, dim, row;
  float scale;
  size_t key(size_t kv) const { return (heads + kv) * dim; }
  size_t value(size_t kv) const { return (heads + kv_heads + kv) * dim; }
};

// rows[n][dim] of a strided matrix as [dim][width], zeros behind n.
void transpose(const float* from, size_t stride, size_t n, size_t dim, size_t width, std::vector<float>& to) {
  to.assign(dim * width, 0);
  for (size_t t = 0; t < n; ++t) {
    for (size_t d = 0; d < dim; ++d) to[d * width + t] = from[t * stride + d];
  }
}

// Scores of queries first..last with all keys up to last; queries are scaled in `scaled`.
void scores(const Shape& s, const float* query, size_t first, size_t last, const std::vector<float>& keys, size_t width,
            std::vector<float>& scaled, float* out) {
  scaled.resize(kBlock * s.dim);
  for (size_t i = first; i < last; ++i) {
    for (size_t d = 0; d < s.dim; ++d) scaled[(i - first) * s.dim + d] = query[i * s.row + d] * s.scale;
  }
  model::multiply(last - first, padded(last), s.dim, {scaled.data(), s.dim, 1}, keys.data(), width, out, width, false);
}

struct Room {
  std::vector<float> keys, values, scaled, p, dp;
};

}  // namespace

void attend(const model::Config& config, std::span<const uint32_t> starts, const float* qkv, float* out,
            float* log_sums, base::Team& team) {
  const Shape s(config);
  const size_t out_row = s.heads * s.dim;
  const size_t group = s.heads / s.kv_heads;
  team.each((starts.size() - 1) * s.kv_heads, [&](size_t task) {
    thread_local Room room;
    const size_t begin = starts[task / s.kv_heads], n = starts[task / s.kv_heads + 1] - begin;
    const size_t kv = task % s.kv_heads, width = padded(n);
    const float* at = qkv + begin * s.row;
    transpose(at + s.key(kv), s.row, n, s.dim, width, room.keys);
    room.p.resize(kBlock * width);
    for (size_t h = kv * group; h < (kv + 1) * group; ++h) {
      for (size_t first = 0; first < n; first += kBlock) {
        const size_t last = std::min(n, first + kBlock);
        scores(s, at + h * s.dim, first, last, room.keys, width, room.scaled, room.p.data());
        for (size_t i = first; i < last; ++i) {
          float* p = room.p.data() + (i - first) * width;
          log_sums[(begin + i) * s.heads + h] = model::softmax(p, i + 1);
          std::fill(p + i + 1, p + last, 0.0F);
        }
        model::multiply(last - first, s.dim, last, {room.p.data(), width, 1}, at + s.value(kv), s.row,
                        out + (begin + first) * out_row + h * s.dim, out_row, false);
      }
    }
  });
}

void attend_back(const model::Config& config, std::span<const uint32_t> starts, const float* qkv, const float* out,
                 const float* log_sums, const float* dout, float* dqkv, base::Team& team) {
  const Shape s(config);
  const size_t out_row = s.heads * s.dim;
  const size_t group = s.heads / s.kv_heads;
  team.each((starts.size() - 1) * s.kv_heads, [&](size_t task) {
    thread_local Room room;
    const size_t begin = starts[task / s.kv_heads], n = starts[task / s.kv_heads + 1] - begin;
    const size_t kv = task % s.kv_heads, width = padded(n);
    const float* at = qkv + begin * s.row;
    float* grad = dqkv + begin * s.row;
    transpose(at + s.key(kv), s.row, n, s.dim, width, room.keys);
    transpose(at + s.value(kv), s.row, n, s.dim, width, room.values);
    room.p.resize(kBlock * width);
    room.dp.resize(kBlock * width);
    for (size_t t = 0; t < n; ++t) {
      std::fill_n(grad + t * s.row + s.key(kv), s.dim, 0.0F);
      std::fill_n(grad + t * s.row + s.value(kv), s.dim, 0.0F);
    }
    for (size_t h = kv * group; h < (kv + 1) * group; ++h) {
      for (size_t first = 0; first < n; first += kBlock) {
        const size_t last = std::min(n, first + kBlock), rows = last - first;
        const float* dy = dout + (begin + first) * out_row + h * s.dim;
        const float* y = out + (begin + first) * out_row + h * s.dim;
        scores(s, at + h * s.dim, first, last, room.keys, width, room.scaled, room.p.data());
        model::multiply(rows, padded(last), s.dim, {dy, out_row, 1}, room.values.data(), width, room.dp.data(), width,
                        false);
        for (size_t i = first; i < last; ++i) {
          float* p = room.p.data() + (i - first) * width;
          float* dp = room.dp.data() + (i - first) * width;
          model::exp_all(p, -log_sums[(begin + i) * s.heads + h], i + 1);
          std::fill(p + i + 1, p + last, 0.0F);
          const float mean = model::dot(dy + (i - first) * out_row, y + (i - first) * out_row, s.dim);
          for (size_t t = 0; t < last; ++t) dp[t] = p[t] * (dp[t] - mean) * s.scale;
        }
        model::multiply(rows, s.dim, last, {room.dp.data(), width, 1}, at + s.key(kv), s.row,
                        grad + first * s.row + h * s.dim, s.row, false);
        model::multiply(last, s.dim, rows, {room.dp.data(), 1, width}, at + first * s.row + h * s.dim, s.row,
                        grad + s.key(kv), s.row, true);
        model::multiply(last, s.dim, rows, {room.p.data(), 1, width}, dy, out_row, grad + s.value(kv), s.row, true);
      }
    }
  });
}

}  // namespace stillwatch::training
