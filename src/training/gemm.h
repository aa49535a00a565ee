// Products of large matrices by the BLAS, each on the calling thread: the caller cuts the work. Private to the module.
#pragma once

#include <cstddef>

namespace stillwatch::training {

// y[rows][out] = (add ? y : 0) + x[rows][in] * w[out][in]^T
void forward_product(const float* x, const float* w, size_t rows, size_t in, size_t out, float* y, bool add);
// dx[rows][in] = (add ? dx : 0) + dy[rows][out] * w[out][in]
void input_gradient(const float* dy, const float* w, size_t rows, size_t in, size_t out, float* dx, bool add);
// dw[first..last][in] += dy[rows][first..last]^T * x[rows][in], where dy has `out` columns.
void weight_gradient(const float* dy, const float* x, size_t rows, size_t in, size_t out, size_t first, size_t last,
                     float* dw);
// The BLAS's own threads would fight with ours.
void keep_blas_single_threaded();

}  // namespace stillwatch::training
