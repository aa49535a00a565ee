#include "gateway/standings.h"

#include <algorithm>
#include <mutex>

namespace stillwatch::gateway {

void Standings::decide(std::string_view account, Entry& entry) const {
  verdict::Standing standing = entry.standing;
  standing.account = account;
  entry.decision = policy_->decide(standing);
}

bool Standings::update(const pipeline::AccountFinding& f) {
  const bool judged = !f.looks.empty();
  const bool kept = f.flagged || f.label || (judged && f.evidence.p_value <= verdict::kPValueMax);
  const std::unique_lock lock(mutex_);
  if (!kept) {
    if (const auto it = entries_.find(f.account); it != entries_.end()) entries_.erase(it);
  } else {
    Entry& entry = entries_[f.account];
    entry.standing = {{}, f.verdict, f.evidence.p_value, f.evidence.calibrated, f.exposure};
    decide(f.account, entry);
  }
  kept_ = entries_.size();
  return kept;
}

void Standings::set_policy(std::shared_ptr<const verdict::Policy> policy) {
  const std::unique_lock lock(mutex_);
  policy_ = std::move(policy);
  for (auto& [account, entry] : entries_) decide(account, entry);
}

void Standings::forget(std::string_view account) {
  const std::unique_lock lock(mutex_);
  if (const auto it = entries_.find(account); it != entries_.end()) entries_.erase(it);
  kept_ = entries_.size();
}

std::optional<Decided> Standings::find(std::string_view account) const {
  if (kept_.load(std::memory_order_relaxed) == 0) return std::nullopt;
  const std::shared_lock lock(mutex_);
  const auto it = entries_.find(account);
  if (it == entries_.end() || it->second.decision.nothing()) return std::nullopt;
  return Decided{it->second.decision, policy_};
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
      if (!entry.decision.nothing()) rows.push_back({account, entry.decision});
    }
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.account < b.account; });
  return rows;
}

}  // namespace stillwatch::gateway
