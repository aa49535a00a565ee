// When an account's next request may pass, if so many a minute may: one after the other, evenly, however many
// connections they come by. Private to the module.
//
// Thread rule: all methods from any thread. Bounds: an account that has a turn to come, and up to kTurnsKept others.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/hash.h"
#include "base/time.h"

namespace stillwatch::gateway {

class Turns {
 public:
  // How long from now its turn is; one that is further away than `longest` is not taken.
  std::chrono::milliseconds take(std::string_view account, uint32_t per_minute, base::Time now,
                                 std::chrono::milliseconds longest) {
    constexpr size_t kTurnsKept = 4096;
    const std::lock_guard lock(mutex_);
    if (next_.size() >= kTurnsKept) std::erase_if(next_, [now](const auto& entry) { return entry.second <= now; });
    auto it = next_.find(account);
    if (it == next_.end()) it = next_.emplace(account, now).first;
    const auto wait = std::max(it->second - now, std::chrono::milliseconds(0));
    if (wait <= longest) it->second = now + wait + std::chrono::milliseconds(60'000 / per_minute);
    return wait;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, base::Time, base::TextHash, std::equal_to<>> next_;
};

}  // namespace stillwatch::gateway
