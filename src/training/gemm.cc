#include "training/gemm.h"

#include <cblas.h>

namespace stillwatch::training {
namespace {

int i(size_t n) {
  return static_cast<int>(n);
}

}  // namespace

void forward_product(const float* x, const float* w, size_t rows, size_t in, size_t out, float* y, bool add) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, i(rows), i(out), i(in), 1, x, i(in), w, i(in), add ? 1 : 0, y,
              i(out));
}

void input_gradient(const float* dy, const float* w, size_t rows, size_t in, size_t out, float* dx, bool add) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, i(rows), i(in), i(out), 1, dy, i(out), w, i(in), add ? 1 : 0,
              dx, i(in));
}

void weight_gradient(const float* dy, const float* x, size_t rows, size_t in, size_t out, size_t first, size_t last,
                     float* dw) {
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, i(last - first), i(in), i(rows), 1, dy + first, i(out), x, i(in),
              1, dw + first * in, i(in));
}

void keep_blas_single_threaded() {
  openblas_set_num_threads(1);
}

}  // namespace stillwatch::training
