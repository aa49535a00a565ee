// Which accounts are asked to show who they are, and which have: tokens are signed with a key of this installation, one
// that is redeemed lets its account pass for a while. Private to the module.
//
// Thread rule: all methods from any thread. Bounds: those of countermeasure::Redemptions, and as many passes that have
// not run out.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "gateway/identity.h"
#include "gateway/proofs.h"
#include "verdict/policy.h"

namespace stillwatch::gateway {

class Challenges {
 public:
  explicit Challenges(const Identity::Secret& seed) : signer_(seed) {}
  void restore(const std::vector<Redeemed>& kept, base::Time now);

  bool passes(std::string_view account, base::Time now) const;
  // The body of a refusal, with a new token.
  std::string ask(std::string_view account, const verdict::RungRule& rule, base::Time now) const;
  base::Result<countermeasure::Challenge> check(std::string_view token, base::Time now) const {
    return signer_.check(token, now);
  }
  // From now on the account passes, until then. Fails if it was redeemed before.
  base::Result<void> redeem(const Redeemed& redeemed, base::Time now);
  void forget(std::string_view account);
  std::string public_key() const { return signer_.public_key(); }

 private:
  const countermeasure::ChallengeSigner signer_;
  mutable std::mutex mutex_;
  countermeasure::Redemptions redemptions_;
  std::unordered_map<std::string, base::Time, base::TextHash, std::equal_to<>> until_;
};

}  // namespace stillwatch::gateway
