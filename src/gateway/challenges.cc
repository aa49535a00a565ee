#include "gateway/challenges.h"

#include <sodium.h>

namespace stillwatch::gateway {

using countermeasure::Challenge;

void Challenges::restore(const std::vector<Redeemed>& kept, base::Time now) {
  const std::lock_guard lock(mutex_);
  for (const Redeemed& r : kept) {
    (void)redemptions_.redeem(r.challenge, now);  // one that has expired cannot be redeemed again anyhow
    base::Time& until = until_[r.challenge.account];
    until = std::max(until, r.until);
  }
}

bool Challenges::passes(std::string_view account, base::Time now) const {
  const std::lock_guard lock(mutex_);
  const auto it = until_.find(account);
  return it != until_.end() && now < it->second;
}

std::string Challenges::ask(std::string_view account, const verdict::RungRule& rule, base::Time now) const {
  Challenge c{std::string(account), now, now + std::chrono::seconds(rule.token_s), {}};
  randombytes_buf(c.nonce.data(), c.nonce.size());
  return countermeasure::challenge_body(rule.message, signer_.issue(c), rule.url, c.expires);
}

base::Result<void> Challenges::redeem(const Redeemed& r, base::Time now) {
  const std::lock_guard lock(mutex_);
  if (until_.size() >= countermeasure::Redemptions::kMax)
    std::erase_if(until_, [now](const auto& entry) { return entry.second <= now; });
  if (auto ok = redemptions_.redeem(r.challenge, now); !ok) return ok;
  base::Time& until = until_[r.challenge.account];
  until = std::max(until, r.until);
  return {};
}

void Challenges::forget(std::string_view account) {
  const std::lock_guard lock(mutex_);
  if (const auto it = until_.find(account); it != until_.end()) until_.erase(it);
}

}  // namespace stillwatch::gateway
