#include "gateway/standings.h"

#include <algorithm>
#include <mutex>
#include <tuple>

#include "pipeline/standing.h"

namespace stillwatch::gateway {

size_t Standings::limit() const {
  const bool approved = approval_.policy == policy_->hash();
  return std::max(policy_->refuse_accounts_max(), approved ? approval_.accounts : 0);
}

void Standings::decide(std::string_view account, Entry& entry) {
  verdict::Standing standing = entry.standing;
  standing.account = account;
  verdict::Decision& d = entry.decision = policy_->decide(standing);
  refused_ -= entry.refused;
  entry.refused = d.refusal != nullptr && refused_ < limit();
  entry.waits = d.refusal != nullptr && !entry.refused;
  refused_ += entry.refused;
  if (!entry.waits) return;
  constexpr auto kBit = static_cast<uint8_t>(1u << static_cast<int>(verdict::Rung::kRefuse));
  d.refusal = nullptr;
  d.enforced &= static_cast<uint8_t>(~kBit);
  d.observed |= kBit;
}

// Who was refused before comes first.
void Standings::decide_all() {
  std::vector<std::pair<const std::string, Entry>*> all;
  for (auto& entry : entries_) all.push_back(&entry);
  std::sort(all.begin(), all.end(), [](const auto* a, const auto* b) {
    return std::tie(b->second.refused, a->first) < std::tie(a->second.refused, b->first);
  });
  for (auto* entry : all) entry->second.refused = false;
  refused_ = 0;
  for (auto* entry : all) decide(entry->first, entry->second);
}

void Standings::remove(std::string_view account) {
  const auto it = entries_.find(account);
  if (it == entries_.end()) return;
  refused_ -= it->second.refused;
  entries_.erase(it);
}

bool Standings::update(const pipeline::AccountFinding& f) {
  const bool judged = !f.looks.empty();
  const bool kept = f.flagged || f.label || (judged && f.evidence.p_value <= verdict::kPValueMax);
  const std::unique_lock lock(mutex_);
  auto it = entries_.find(f.account);
  if (it == entries_.end() && kept) it = entries_.try_emplace(f.account).first;
  if (it != entries_.end()) {
    Entry& entry = it->second;
    entry.own = kept;
    auto campaign = std::move(entry.standing.campaign);
    entry.standing = pipeline::standing_of(f);
    entry.standing.campaign = std::move(campaign);
    if (entry.own || entry.standing.campaign) {
      decide(f.account, entry);
    } else {
      remove(f.account);
    }
  }
  kept_ = entries_.size();
  return kept;
}

void Standings::set_members(const Members& members) {
  const std::unique_lock lock(mutex_);
  std::vector<std::string> gone;
  for (auto& [account, entry] : entries_) {
    entry.standing.campaign = std::nullopt;
    if (!entry.own && !members.contains(account)) gone.push_back(account);
  }
  for (const std::string& account : gone) remove(account);
  for (const auto& [account, campaign] : members) entries_[account].standing.campaign = campaign;
  kept_ = entries_.size();
  decide_all();
}

void Standings::set_policy(std::shared_ptr<const verdict::Policy> policy) {
  const std::unique_lock lock(mutex_);
  policy_ = std::move(policy);
  decide_all();
}

void Standings::approve(const Approval& approval) {
  const std::unique_lock lock(mutex_);
  approval_ = approval;
  decide_all();
}

size_t Standings::refuse_accounts_max() const {
  const std::shared_lock lock(mutex_);
  return limit();
}

void Standings::forget(std::string_view account) {
  const std::unique_lock lock(mutex_);
  remove(account);
  kept_ = entries_.size();
}

std::optional<Decided> Standings::find(std::string_view account) const {
  if (kept_.load(std::memory_order_relaxed) == 0) return std::nullopt;
  const std::shared_lock lock(mutex_);
  const auto it = entries_.find(account);
  if (it == entries_.end() || it->second.decision.nothing()) return std::nullopt;
  const verdict::Decision& d = it->second.decision;
  const bool as_campaign = d.campaign_per_minute > 0 || d.campaign_key;
  return Decided{d, policy_, as_campaign ? it->second.standing.campaign->name : std::string()};
}

std::shared_ptr<const verdict::Policy> Standings::policy() const {
  const std::shared_lock lock(mutex_);
  return policy_;
}

std::vector<Standings::Row> Standings::decided() const {
  std::vector<Row> rows;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [account, entry] : entries_) {
      if (!entry.decision.nothing()) rows.push_back({account, entry.decision, entry.waits});
    }
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.account < b.account; });
  return rows;
}

}  // namespace stillwatch::gateway
