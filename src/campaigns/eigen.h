// Eigenvectors of a symmetric matrix by Jacobi's cyclic rotations (Golub and Van Loan 2013, section 8.5): slow, exact,
// and the same everywhere. Thread rule: pure function.
#pragma once

#include <cstddef>
#include <vector>

namespace stillwatch::campaigns {

struct Eigen {
  std::vector<double> values;   // strongest first
  std::vector<double> vectors;  // row k belongs to values[k]
};

// `matrix` has n rows of n.
Eigen symmetric_eigen(std::vector<double> matrix, size_t n);

}  // namespace stillwatch::campaigns
