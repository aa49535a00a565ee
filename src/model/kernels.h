// The inner loops of transformers, on rows of 32-bit floats: 16 columns at a time, with AVX2 where the machine has it.
//
// Memory need not be aligned. Results depend on the machine's instructions (sums are fused or not), never on threads.
// Thread rule: pure functions; the caller cuts the work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace stillwatch::model {

// c[i][j] = (add ? c[i][j] : 0) + sum over p of a[i * a_row + p * a_col] * b[p * b_row + j], for i < m, j < n, p < k.
struct MatrixView {
  const float* data;
  size_t row, col;
};
void multiply(size_t m, size_t n, size_t k, MatrixView a, const float* b, size_t b_row, float* c, size_t c_row,
              bool add);

// A matrix [out, in] laid out in panels of 16 rows, for multiplying by few vectors at a time.
class Panels {
 public:
  static constexpr size_t kWidth = 16;
  Panels() = default;
  // Rows of several matrices under one another.
  explicit Panels(std::span<const std::span<const float>> matrices, size_t in);

  size_t out() const { return out_; }
  size_t in() const { return in_; }
  size_t panels() const { return (out_ + kWidth - 1) / kWidth; }
  // y[i][first * 16 ...] = x[i] times rows of the panels first..last, for `rows` vectors; those past out() are not
  // written.
  void apply(size_t first, size_t last, const float* x, size_t rows, float* y, size_t y_row) const;

 private:
  size_t out_ = 0, in_ = 0;
  std::vector<float> values_;
};

float dot(const float* a, const float* b, size_t n);
void add(float* to, const float* from, size_t n);                   // to += from
void add_scaled(float* to, const float* from, float by, size_t n);  // to += by * from

// out = x / rms(x) * weight; gives 1 / rms(x) (Zhang and Sennrich 2019).
float rms_norm(const float* x, const float* weight, float epsilon, size_t n, float* out);
// Adds to `dx` and to `dweight` the gradients by x and weight, from that by out.
void rms_norm_back(const float* x, const float* weight, float inverse, const float* dout, size_t n, float* dx,
                   float* dweight);

// Turns the pairs (i, i + half) of a head by angles whose cosines and sines are given (Su et al. 2021); `back` undoes
// it.
void rotate(float* head, const float* cosines, const float* sines, size_t half, bool back);

// out = gate * sigmoid(gate) * up (Shazeer 2020), and its gradients; these may overwrite gate and up.
void swiglu(const float* gate, const float* up, size_t n, float* out);
void swiglu_back(const float* gate, const float* up, const float* dout, size_t n, float* dgate, float* dup);

// x = exp(x - max) / sum; gives max + log(sum).
float softmax(float* x, size_t n);
// x = exp(x + shift); gives the sum.
float exp_all(float* x, float shift, size_t n);
float max_of(const float* x, size_t n);

// One step of AdamW on n numbers. `rate1` and `rate2` hold the corrections of the moments' bias.
struct AdamStep {
  float beta1, beta2, epsilon, decay;  // decay times the rate
  float factor;                        // of the gradients
  float rate1, correct2;               // rate / (1 - beta1^t), 1 / (1 - beta2^t)
};
void adam(const AdamStep& step, float* weight, float* gradient, float* first, float* second, size_t n);

// The sum of squares, in double precision.
double squares(const float* x, size_t n);

}  // namespace stillwatch::model
