// The latest keys with a value each, about: of more than half of `max` new ones the older generation is let go, unless
// they were asked for since. Keys are hashes; two that collide are one.
//
// Thread rule: one thread at a time. Bounds: `max` keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace stillwatch::base {

template <typename Value>
class Recent {
 public:
  explicit Recent(size_t max) : half_(max / 2) {}

  // Null if it is not there.
  const Value* find(uint64_t key) {
    if (const auto it = young_.find(key); it != young_.end()) return &it->second;
    const auto it = old_.find(key);
    if (it == old_.end()) return nullptr;
    const Value value = it->second;
    old_.erase(it);
    return &put(key, value);
  }
  const Value& put(uint64_t key, Value value) {
    if (young_.size() >= half_) {
      old_ = std::move(young_);
      young_ = {};
    }
    return young_.insert_or_assign(key, value).first->second;
  }
  size_t size() const { return young_.size() + old_.size(); }

 private:
  size_t half_;
  std::unordered_map<uint64_t, Value> young_, old_;
};

}  // namespace stillwatch::base
