#include "model/kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace stillwatch::model {

namespace any {
#include "model/kernels_loops.inc"
}  // namespace any

#if defined(__x86_64__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace wide {
#include "model/kernels_loops.inc"
}  // namespace wide
#pragma GCC pop_options

namespace {

bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has;
}

}  // namespace

#define STILLWATCH_BEST(call) (has_avx2() ? wide::call : any::call)
#else
#define STILLWATCH_BEST(call) any::call
#endif

void multiply(size_t m, size_t n, size_t k, MatrixView a, const float* b, size_t b_row, float* c, size_t c_row,
              bool add) {
  return STILLWATCH_BEST(multiply(m, n, k, a, b, b_row, c, c_row, add));
}

float dot(const float* a, const float* b, size_t n) {
  return STILLWATCH_BEST(dot(a, b, n));
}

void add(float* to, const float* from, size_t n) {
  return STILLWATCH_BEST(add(to, from, n));
}

void add_scaled(float* to, const float* from, float by, size_t n) {
  return STILLWATCH_BEST(add_scaled(to, from, by, n));
}

float rms_norm(const float* x, const float* weight, float epsilon, size_t n, float* out) {
  return STILLWATCH_BEST(rms_norm(x, weight, epsilon, n, out));
}

void rms_norm_back(const float* x, const float* weight, float inverse, const float* dout, size_t n, float* dx,
                   float* dweight) {
  return STILLWATCH_BEST(rms_norm_back(x, weight, inverse, dout, n, dx, dweight));
}

void rotate(float* head, const float* cosines, const float* sines, size_t half, bool back) {
  return STILLWATCH_BEST(rotate(head, cosines, sines, half, back));
}

void swiglu(const float* gate, const float* up, size_t n, float* out) {
  return STILLWATCH_BEST(swiglu(gate, up, n, out));
}

void swiglu_back(const float* gate, const float* up, const float* dout, size_t n, float* dgate, float* dup) {
  return STILLWATCH_BEST(swiglu_back(gate, up, dout, n, dgate, dup));
}

float softmax(float* x, size_t n) {
  return STILLWATCH_BEST(softmax(x, n));
}

float exp_all(float* x, float shift, size_t n) {
  return STILLWATCH_BEST(exp_all(x, shift, n));
}

float max_of(const float* x, size_t n) {
  return STILLWATCH_BEST(max_of(x, n));
}

void adam(const AdamStep& step, float* weight, float* gradient, float* first, float* second, size_t n) {
  return STILLWATCH_BEST(adam(step, weight, gradient, first, second, n));
}

double squares(const float* x, size_t n) {
  return STILLWATCH_BEST(squares(x, n));
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

void Panels::apply(size_t first, size_t last, const float* x, size_t rows, float* y, size_t y_row) const {
  STILLWATCH_BEST(apply_panels(values_.data(), out_, in_, first, last, x, rows, y, y_row));
}

}  // namespace stillwatch::model
