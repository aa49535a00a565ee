// A uniform sample of the distinct hashes of a stream with their exact counts: the K smallest hashes (Cohen and Kaplan
// 2007; MinHash when read as a set). A hash among the K smallest of the whole is among the K smallest of every part
// that holds it, so it is never dropped on the way and its count is exact; merge is therefore exactly associative and
// commutative. Counts saturate at 2^32 - 1. Thread rule: a value.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/bytes.h"

namespace stillwatch::sketch {

template <size_t K>
class BottomK {
 public:
  struct [[gnu::packed]] Entry {  // twelve bytes: subjects are many
    uint64_t hash;
    uint32_t count;
    bool operator==(const Entry& other) const { return hash == other.hash && count == other.count; }
  };

  void add(uint64_t hash, uint32_t count = 1) {
    if (entries_.size() == K && hash > entries_.back().hash) return;
    const auto it =
        std::lower_bound(entries_.begin(), entries_.end(), hash, [](const Entry& e, uint64_t h) { return e.hash < h; });
    if (it != entries_.end() && it->hash == hash) {
      it->count = saturating(it->count, count);
      return;
    }
    const auto offset = it - entries_.begin();
    if (entries_.size() == K) {
      entries_.pop_back();
    } else if (entries_.size() == entries_.capacity()) {
      entries_.reserve(std::min(K, 2 * entries_.size() + 2));
    }
    entries_.insert(entries_.begin() + offset, Entry{hash, count});
  }

  void merge(const BottomK& other) {
    for (const Entry& e : other.entries_) add(e.hash, e.count);
  }

  // In increasing order of hash.
  const std::vector<Entry>& entries() const { return entries_; }
  // True while every distinct hash of the stream is still here.
  bool complete() const { return entries_.size() < K; }

  bool operator==(const BottomK&) const = default;
  size_t bytes() const { return sizeof *this + entries_.capacity() * sizeof(Entry); }

  void write(base::Writer& out) const {
    out.varint(entries_.size());
    for (const Entry& e : entries_) {
      out.u64(e.hash);
      out.varint(e.count);
    }
  }
  bool read(base::Reader& in) {
    entries_.clear();
    const uint64_t n = in.varint();
    if (n > K) return false;
    for (uint64_t i = 0; i < n; ++i) {
      const uint64_t hash = in.u64();
      const uint64_t count = in.varint();
      if (in.failed() || count == 0 || count > std::numeric_limits<uint32_t>::max()) return false;
      if (!entries_.empty() && hash <= entries_.back().hash) return false;
      entries_.push_back({hash, static_cast<uint32_t>(count)});
    }
    return true;
  }

 private:
  static uint32_t saturating(uint32_t a, uint32_t b) {
    const uint32_t sum = a + b;
    return sum < a ? std::numeric_limits<uint32_t>::max() : sum;
  }
  std::vector<Entry> entries_;
};

}  // namespace stillwatch::sketch
