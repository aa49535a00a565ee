// An array of N numbers, zero at first, that is merged element by element: by addition (counts) or by maximum
// (registers). Few elements are kept as sorted (index, value) pairs, many as a plain array; the change of form is not
// visible, and equal contents compare and serialise equal whatever came first. Addition saturates, so a hostile
// serialised array cannot wrap a count; below saturation both merges are associative and commutative.
//
// Bytes: varint n, then n pairs of varint index gap and varint value, in order of index.
// Bounds: N elements. Thread rule: a value.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace stillwatch::sketch {

template <typename T, size_t N>
class SparseArray {
  static_assert(N <= 65'536);
  struct Pair {
    uint16_t index;
    T value;
    bool operator==(const Pair&) const = default;
  };
  // Beyond this many pairs the plain array is smaller.
  static constexpr size_t kPairsMax = N * sizeof(T) / sizeof(Pair);

 public:
  static constexpr size_t kSize = N;

  SparseArray() = default;
  SparseArray(SparseArray&&) noexcept = default;
  SparseArray& operator=(SparseArray&&) noexcept = default;
  SparseArray(const SparseArray& other) : pairs_(other.pairs_) {
    if (!other.dense_) return;
    dense_ = std::make_unique<T[]>(N);
    std::copy_n(other.dense_.get(), N, dense_.get());
  }
  SparseArray& operator=(const SparseArray& other) { return *this = SparseArray(other); }

  T operator[](size_t i) const {
    if (dense_) return dense_[i];
    const auto it = find(pairs_, i);
    return it != pairs_.end() && it->index == i ? it->value : T{};
  }

  void add(size_t i, T v) {
    if (v != 0) at(i) = saturating(at(i), v);
  }
  void raise(size_t i, T v) {
    if (v != 0) at(i) = std::max(at(i), v);
  }

  void merge_add(const SparseArray& other) {
    other.for_each([&](size_t i, T v) { add(i, v); });
  }
  void merge_max(const SparseArray& other) {
    other.for_each([&](size_t i, T v) { raise(i, v); });
  }

  // Calls visit(index, value) for every nonzero element, in order of index.
  template <typename Visit>
  void for_each(Visit visit) const {
    if (!dense_) {
      for (const Pair& p : pairs_) visit(size_t{p.index}, p.value);
      return;
    }
    for (size_t i = 0; i < N; ++i) {
      if (dense_[i] != 0) visit(i, dense_[i]);
    }
  }

  uint64_t sum() const {
    uint64_t total = 0;
    for_each([&](size_t, T v) { total += static_cast<uint64_t>(v); });
    return total;
  }
  size_t nonzero() const {
    size_t n = 0;
    for_each([&](size_t, T) { ++n; });
    return n;
  }
  size_t bytes() const { return sizeof *this + pairs_.capacity() * sizeof(Pair) + (dense_ ? N * sizeof(T) : 0); }

  bool operator==(const SparseArray& other) const {
    if (!dense_ && !other.dense_) return pairs_ == other.pairs_;
    for (size_t i = 0; i < N; ++i) {
      if ((*this)[i] != other[i]) return false;
    }
    return true;
  }

  void write(base::Writer& out) const {
    out.varint(nonzero());
    size_t next = 0;
    for_each([&](size_t i, T v) {
      out.varint(i - next);
      out.varint(static_cast<uint64_t>(v));
      next = i + 1;
    });
  }
  // False (and an unspecified value) for bytes that write() cannot have made.
  bool read(base::Reader& in) {
    *this = {};
    const uint64_t n = in.varint();
    if (n > N) return false;
    size_t next = 0;
    for (uint64_t k = 0; k < n; ++k) {
      const uint64_t gap = in.varint();
      const uint64_t value = in.varint();
      if (in.failed() || gap >= N - next || value == 0 || value > std::numeric_limits<T>::max()) return false;
      raise(next + gap, static_cast<T>(value));
      next += gap + 1;
    }
    return !in.failed();
  }

 private:
  static T saturating(T a, T b) {
    const T sum = static_cast<T>(a + b);
    return sum < a ? std::numeric_limits<T>::max() : sum;
  }

  template <typename Pairs>
  static auto find(Pairs& pairs, size_t i) {
    return std::lower_bound(pairs.begin(), pairs.end(), i, [](const Pair& p, size_t k) { return p.index < k; });
  }

  T& at(size_t i) {
    if (dense_) return dense_[i];
    auto it = find(pairs_, i);
    if (it != pairs_.end() && it->index == i) return it->value;
    if (pairs_.size() < kPairsMax) {
      if (pairs_.size() == pairs_.capacity()) {  // grow by half: subjects are many, slack is memory
        const auto offset = it - pairs_.begin();
        pairs_.reserve(std::min(kPairsMax, pairs_.size() + pairs_.size() / 2 + 4));
        it = pairs_.begin() + offset;
      }
      return pairs_.insert(it, Pair{static_cast<uint16_t>(i), T{}})->value;
    }
    dense_ = std::make_unique<T[]>(N);
    for (const Pair& p : pairs_) dense_[p.index] = p.value;
    pairs_ = std::vector<Pair>();  // frees
    return dense_[i];
  }

  std::vector<Pair> pairs_;
  std::unique_ptr<T[]> dense_;  // null, or all N
};

}  // namespace stillwatch::sketch
