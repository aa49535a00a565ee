// Which exchanges of flagged accounts are kept as samples for a person to look at, redacted: of each account
// `per_account` prompts, those whose hash is smallest, so that every distinct prompt has the same chance however often
// it is sent.
//
// Thread rule: one thread at a time. Bounds: kExemplarBytesMax bytes a sample; what is decided on here goes to the
// store and only its keys stay.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "dialect/exchange.h"
#include "features/features.h"

namespace stillwatch::gateway {

constexpr size_t kExemplarBytesMax = 512;
constexpr size_t kExemplarsMax = 100;  // an account

struct Exemplar {
  std::string account;
  uint64_t key = 0;
  base::Time time{};
  std::string text;  // redacted; "" for one that gives way to another
};

class ExemplarSampler {
 public:
  explicit ExemplarSampler(size_t per_account) : per_account_(per_account) {}

  void resume(std::string_view account, uint64_t key);  // one that the store has
  // An exchange of an account that is flagged.
  void offer(const dialect::Exchange& e, const features::Features& f);
  // What changed since the last call, in order.
  std::vector<Exemplar> take() { return std::exchange(changes_, {}); }
  void forget(std::string_view account);

 private:
  size_t per_account_;
  std::unordered_map<std::string, std::vector<uint64_t>, base::TextHash, std::equal_to<>>
      keys_;  // heaps, largest first
  std::vector<Exemplar> changes_;
};

}  // namespace stillwatch::gateway
