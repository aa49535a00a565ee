// A set of hashes that takes one slot each and less than half of the slots: open addressing, linear probing. The hashes
// must be spread over all their bits already. Thread rule: a value.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace stillwatch::watermark {

template <typename Hash>
class FlatSet {
 public:
  size_t size() const { return size_ + has_zero_; }

  bool contains(Hash hash) const {
    if (hash == 0) return has_zero_;
    if (slots_.empty()) return false;
    return slots_[slot_of(hash)] == hash;
  }
  // False if it was there already.
  bool insert(Hash hash) {
    if (hash == 0) return !std::exchange(has_zero_, true);
    if (2 * (size_ + 1) > slots_.size()) grow();
    Hash& slot = slots_[slot_of(hash)];
    if (slot == hash) return false;
    slot = hash;
    ++size_;
    return true;
  }
  void clear() { *this = FlatSet(); }

 private:
  // Of the hash, or the empty one where it would be.
  size_t slot_of(Hash hash) const {
    const size_t mask = slots_.size() - 1;
    size_t at = static_cast<size_t>(hash) & mask;
    while (slots_[at] != 0 && slots_[at] != hash) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    std::vector<Hash> old(slots_.empty() ? 16 : 2 * slots_.size());
    old.swap(slots_);
    for (const Hash hash : old) {
      if (hash != 0) slots_[slot_of(hash)] = hash;
    }
  }

  std::vector<Hash> slots_;  // 0: empty; a power of two of them, or none
  size_t size_ = 0;
  bool has_zero_ = false;  // zero itself is in the set
};

}  // namespace stillwatch::watermark
