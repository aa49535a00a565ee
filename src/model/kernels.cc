#include "model/kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

// Two copies of each loop, one for AVX2, chosen when the program starts. Sanitizers cannot look at that choice.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define STILLWATCH_WIDE __attribute__((target_clones("arch=haswell", "default")))
#else
#define STILLWATCH_WIDE
#endif
#define STILLWATCH_INLINE inline __attribute__((always_inline))
#pragma GCC diagnostic ignored "-Wpsabi"  // vectors are passed between inlined functions only

namespace stillwatch::model {
namespace {

using Float8 = float __attribute__((vector_size(32)));
using Int8 = int32_t __attribute__((vector_size(32)));
constexpr size_t kLanes = 8;

STILLWATCH_INLINE Float8 load(const float* p) {
  Float8 v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
STILLWATCH_INLINE void store(float* p, Float8 v) {
  std::memcpy(p, &v, sizeof v);
}
STILLWATCH_INLINE Float8 all(float x) {
  return Float8{x, x, x, x, x, x, x, x};
}
STILLWATCH_INLINE float sum(Float8 v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}
// The first n < 8 of them; the others are `rest`.
STILLWATCH_INLINE Float8 load_part(const float* p, size_t n, float rest) {
  Float8 v = all(rest);
  std::memcpy(&v, p, n * sizeof(float));
  return v;
}
STILLWATCH_INLINE void store_part(float* p, Float8 v, size_t n) {
  std::memcpy(p, &v, n * sizeof(float));
}

// exp, to about 2 units in the last place: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]. Below -87 it is 0.
STILLWATCH_INLINE Float8 exp8(Float8 x) {
  const Float8 low = all(-87.3F), high = all(88.0F);
  const Int8 gone = x < low;
  x = x < low ? low : x;
  x = x > high ? high : x;
  const Float8 scaled = x * all(1.44269504F);
  const Float8 magic = all(12582912.0F);  // 1.5 * 2^23: rounds to the nearest whole number
  const Float8 whole = (scaled + magic) - magic;
  Float8 f = x - whole * all(0.693359375F);
  f = f + whole * all(2.12194440e-4F);
  Float8 p = all(1.9875691500e-4F);
  p = p * f + all(1.3981999507e-3F);
  p = p * f + all(8.3334519073e-3F);
  p = p * f + all(4.1665795894e-2F);
  p = p * f + all(1.6666665459e-1F);
  p = p * f + all(5.0000001201e-1F);
  p = p * f * f + f + all(1.0F);
  const Int8 bits = (__builtin_convertvector(whole, Int8) + 127) << 23;
  Float8 power;
  std::memcpy(&power, &bits, sizeof power);
  p = p * power;
  return gone ? all(0.0F) : p;
}

STILLWATCH_INLINE Float8 sigmoid8(Float8 x) {
  return all(1.0F) / (all(1.0F) + exp8(-x));
}

// R rows and W * 8 columns of a product, kept in registers.
template <int R, int W>
STILLWATCH_INLINE void tile(size_t k, const float* a, size_t a_row, size_t a_col, const float* b, size_t b_row,
                            float* c, size_t c_row, bool add) {
  Float8 sums[R][W];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) sums[r][w] = add ? load(c + r * c_row + w * kLanes) : all(0.0F);
  }
  for (size_t p = 0; p < k; ++p) {
    Float8 row[W];
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) row[w] = load(b + p * b_row + w * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Float8 x = all(a[r * a_row + p * a_col]);
#pragma GCC unroll 8
      for (int w = 0; w < W; ++w) sums[r][w] += x * row[w];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) store(c + r * c_row + w * kLanes, sums[r][w]);
  }
}

template <int W>
STILLWATCH_INLINE void tiles(size_t m, size_t k, const float* a, size_t a_row, size_t a_col, const float* b,
                             size_t b_row, float* c, size_t c_row, bool add) {
  size_t i = 0;
  for (; i + 6 <= m; i += 6) tile<6, W>(k, a + i * a_row, a_row, a_col, b, b_row, c + i * c_row, c_row, add);
  for (; i + 4 <= m; i += 4) tile<4, W>(k, a + i * a_row, a_row, a_col, b, b_row, c + i * c_row, c_row, add);
  for (; i + 2 <= m; i += 2) tile<2, W>(k, a + i * a_row, a_row, a_col, b, b_row, c + i * c_row, c_row, add);
  for (; i < m; ++i) tile<1, W>(k, a + i * a_row, a_row, a_col, b, b_row, c + i * c_row, c_row, add);
}

// Four panels times one vector: enough sums at once to hide how long each addition takes.
STILLWATCH_INLINE void four_panels(const float* panels, size_t in, const float* x, float* y) {
  const size_t panel = in * Panels::kWidth;
  Float8 sums[8];
#pragma GCC unroll 8
  for (auto& s : sums) s = all(0.0F);
  for (size_t p = 0; p < in; ++p) {
    const Float8 v = all(x[p]);
    const float* at = panels + p * Panels::kWidth;
#pragma GCC unroll 8
    for (int q = 0; q < 8; ++q) sums[q] += v * load(at + (q / 2) * panel + (q % 2) * kLanes);
  }
#pragma GCC unroll 8
  for (int q = 0; q < 8; ++q) store(y + q * kLanes, sums[q]);
}

}  // namespace

STILLWATCH_WIDE
void multiply(size_t m, size_t n, size_t k, MatrixView a, const float* b, size_t b_row, float* c, size_t c_row,
              bool add) {
  size_t j = 0;
  for (; j + 16 <= n; j += 16) tiles<2>(m, k, a.data, a.row, a.col, b + j, b_row, c + j, c_row, add);
  for (; j + 8 <= n; j += 8) tiles<1>(m, k, a.data, a.row, a.col, b + j, b_row, c + j, c_row, add);
  for (; j < n; ++j) {
    for (size_t i = 0; i < m; ++i) {
      float s = add ? c[i * c_row + j] : 0;
      for (size_t p = 0; p < k; ++p) s += a.data[i * a.row + p * a.col] * b[p * b_row + j];
      c[i * c_row + j] = s;
    }
  }
}

Panels::Panels(std::span<const std::span<const float>> matrices, size_t in) : in_(in) {
  for (const auto& m : matrices) out_ += m.size() / in;
  values_.resize(panels() * kWidth * in);
  size_t row = 0;
  for (const auto& m : matrices) {
    for (size_t r = 0; r < m.size() / in; ++r, ++row) {
      float* at = values_.data() + row / kWidth * kWidth * in + row % kWidth;
      for (size_t p = 0; p < in; ++p) at[p * kWidth] = m[r * in + p];
    }
  }
}

STILLWATCH_WIDE
void Panels::apply(size_t first, size_t last, const float* x, size_t rows, float* y, size_t y_row) const {
  const size_t panel = in_ * kWidth;
  const size_t whole = std::min(last, out_ / kWidth);
  size_t at = first;
  if (rows == 1) {
    for (; at + 4 <= whole; at += 4) four_panels(values_.data() + at * panel, in_, x, y + at * kWidth);
  }
  for (; at < whole; ++at)
    tiles<2>(rows, in_, x, in_, 1, values_.data() + at * panel, kWidth, y + at * kWidth, y_row, false);
  if (at >= last) return;
  float part[kWidth];
  for (size_t i = 0; i < rows; ++i) {
    tile<1, 2>(in_, x + i * in_, in_, 1, values_.data() + at * panel, kWidth, part, kWidth, false);
    std::copy_n(part, out_ - at * kWidth, y + i * y_row + at * kWidth);
  }
}

STILLWATCH_WIDE
float dot(const float* a, const float* b, size_t n) {
  Float8 s = all(0.0F), t = all(0.0F);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    s += load(a + i) * load(b + i);
    t += load(a + i + 8) * load(b + i + 8);
  }
  for (; i + 8 <= n; i += 8) s += load(a + i) * load(b + i);
  float rest = 0;
  for (; i < n; ++i) rest += a[i] * b[i];
  return sum(s + t) + rest;
}

STILLWATCH_WIDE
void add(float* to, const float* from, size_t n) {
  for (size_t i = 0; i < n; ++i) to[i] += from[i];
}

STILLWATCH_WIDE
void add_scaled(float* to, const float* from, float by, size_t n) {
  for (size_t i = 0; i < n; ++i) to[i] += by * from[i];
}

STILLWATCH_WIDE
float rms_norm(const float* x, const float* weight, float epsilon, size_t n, float* out) {
  Float8 s = all(0.0F), t = all(0.0F);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    s += load(x + i) * load(x + i);
    t += load(x + i + 8) * load(x + i + 8);
  }
  float total = sum(s + t);
  for (; i < n; ++i) total += x[i] * x[i];
  const float inverse = 1 / std::sqrt(total / static_cast<float>(n) + epsilon);
  for (i = 0; i < n; ++i) out[i] = x[i] * inverse * weight[i];
  return inverse;
}

STILLWATCH_WIDE
void rms_norm_back(const float* x, const float* weight, float inverse, const float* dout, size_t n, float* dx,
                   float* dweight) {
  Float8 s = all(0.0F);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) s += load(dout + i) * load(weight + i) * load(x + i);
  float total = sum(s);
  for (; i < n; ++i) total += dout[i] * weight[i] * x[i];
  const float mean = total * inverse * inverse / static_cast<float>(n);
  for (i = 0; i < n; ++i) {
    dweight[i] += dout[i] * x[i] * inverse;
    dx[i] += inverse * (dout[i] * weight[i] - x[i] * mean);
  }
}

STILLWATCH_WIDE
void rotate(float* head, const float* cosines, const float* sines, size_t half, bool back) {
  const float sign = back ? -1.0F : 1.0F;
  float* low = head;
  float* high = head + half;
#pragma GCC ivdep
  for (size_t i = 0; i < half; ++i) {
    const float a = low[i], b = high[i], s = sign * sines[i];
    low[i] = a * cosines[i] - b * s;
    high[i] = b * cosines[i] + a * s;
  }
}

STILLWATCH_WIDE
void swiglu(const float* gate, const float* up, size_t n, float* out) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const Float8 g = load(gate + i);
    store(out + i, g * sigmoid8(g) * load(up + i));
  }
  if (i < n) {
    const Float8 g = load_part(gate + i, n - i, 0);
    store_part(out + i, g * sigmoid8(g) * load_part(up + i, n - i, 0), n - i);
  }
}

STILLWATCH_WIDE
void swiglu_back(const float* gate, const float* up, const float* dout, size_t n, float* dgate, float* dup) {
  for (size_t i = 0; i < n; i += kLanes) {
    const size_t left = n - i;
    const Float8 g = left >= kLanes ? load(gate + i) : load_part(gate + i, left, 0);
    const Float8 u = left >= kLanes ? load(up + i) : load_part(up + i, left, 0);
    const Float8 d = left >= kLanes ? load(dout + i) : load_part(dout + i, left, 0);
    const Float8 s = sigmoid8(g);
    const Float8 du = d * g * s;
    const Float8 dg = d * u * s * (all(1.0F) + g * (all(1.0F) - s));
    if (left >= kLanes) {
      store(dup + i, du);
      store(dgate + i, dg);
    } else {
      store_part(dup + i, du, left);
      store_part(dgate + i, dg, left);
    }
  }
}

STILLWATCH_WIDE
float max_of(const float* x, size_t n) {
  Float8 m = all(x[0]);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const Float8 v = load(x + i);
    m = v > m ? v : m;
  }
  float top = m[0];
  for (size_t lane = 1; lane < kLanes; ++lane) top = std::max(top, m[lane]);
  for (; i < n; ++i) top = std::max(top, x[i]);
  return top;
}

STILLWATCH_WIDE
float exp_all(float* x, float shift, size_t n) {
  Float8 s = all(0.0F);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const Float8 e = exp8(load(x + i) + all(shift));
    store(x + i, e);
    s += e;
  }
  float total = sum(s);
  if (i < n) {
    const Float8 e = exp8(load_part(x + i, n - i, 0) + all(shift));
    store_part(x + i, e, n - i);
    for (size_t lane = 0; lane < n - i; ++lane) total += e[lane];
  }
  return total;
}

STILLWATCH_WIDE
float softmax(float* x, size_t n) {
  const float top = max_of(x, n);
  const float total = exp_all(x, -top, n);
  const float by = 1 / total;
  for (size_t i = 0; i < n; ++i) x[i] *= by;
  return top + std::log(total);
}

STILLWATCH_WIDE
void adam(const AdamStep& s, float* weight, float* gradient, float* first, float* second, size_t n) {
  const float b1 = s.beta1, b2 = s.beta2, factor = s.factor, keep = 1 - s.decay, rate = s.rate1, correct = s.correct2,
              epsilon = s.epsilon;
#pragma GCC ivdep
  for (size_t i = 0; i < n; ++i) {
    const float g = gradient[i] * factor;
    const float m = b1 * first[i] + (1 - b1) * g;
    const float v = b2 * second[i] + (1 - b2) * g * g;
    first[i] = m;
    second[i] = v;
    weight[i] = weight[i] * keep - rate * m / (std::sqrt(v * correct) + epsilon);
    gradient[i] = 0;
  }
}

STILLWATCH_WIDE
double squares(const float* x, size_t n) {
  double s[8] = {};
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (size_t lane = 0; lane < 8; ++lane) s[lane] += static_cast<double>(x[i + lane]) * x[i + lane];
  }
  double total = 0;
  for (; i < n; ++i) total += static_cast<double>(x[i]) * x[i];
  for (const double v : s) total += v;
  return total;
}

}  // namespace stillwatch::model
