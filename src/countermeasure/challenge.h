// Asks an account to show who it is: a refusal that a program can read, with a signed token that the operator's own
// page redeems once the account has been verified there (docs/challenge.md).
//
// A token names the account, when it was issued and until when it can be redeemed, and is signed with Ed25519
// (libsodium): the page needs only the public key. It is no credential: it lets nobody in by itself, it only says which
// account is asked. Redeeming is once: Redemptions remembers what was, until it has expired.
//
// Secrets: the seed. Thread rule: ChallengeSigner is const and reentrant; a Redemptions belongs to one thread at a
// time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace stillwatch::countermeasure {

using ChallengeNonce = std::array<uint8_t, 16>;

struct Challenge {
  std::string account;
  base::Time issued{};
  base::Time expires{};
  ChallengeNonce nonce{};  // random, from who issues it
};

constexpr size_t kChallengeTokenBytesMax = 1024;

class ChallengeSigner {
 public:
  static constexpr size_t kSeedBytes = 32;
  explicit ChallengeSigner(std::span<const uint8_t, kSeedBytes> seed);

  // REQUIRES: an account of at most base::kIdentityBytesMax bytes.
  std::string issue(const Challenge& challenge) const;
  // Fails for a token that is none of ours, was changed, or has expired.
  base::Result<Challenge> check(std::string_view token, base::Time now) const;
  std::string public_key() const;  // 64 hexadecimal digits

 private:
  std::array<uint8_t, 32> public_{};
  std::array<uint8_t, 64> secret_{};
};

// What has been redeemed. Bounds: kMax at once; beyond that nothing is redeemed until some expire.
class Redemptions {
 public:
  static constexpr size_t kMax = 100'000;
  // Fails if it was redeemed before, or has expired.
  base::Result<void> redeem(const Challenge& challenge, base::Time now);
  size_t size() const { return by_nonce_.size(); }

 private:
  std::map<ChallengeNonce, base::Time> by_nonce_;  // until when
};

// The body of the 403, JSON.
std::string challenge_body(std::string_view message, std::string_view token, std::string_view url, base::Time expires);

}  // namespace stillwatch::countermeasure
