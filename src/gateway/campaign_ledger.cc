#include "gateway/campaign_ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace stillwatch::gateway {
namespace {

using pipeline::CampaignFinding;

// For every one of `found`, which of `known` it is.
std::vector<std::optional<size_t>> match(const std::vector<CampaignFinding>& found,
                                         const std::vector<CampaignFinding>& known) {
  std::unordered_map<std::string_view, std::vector<size_t>> known_of;
  for (size_t k = 0; k < known.size(); ++k) {
    for (const std::string& account : known[k].accounts) known_of[account].push_back(k);
  }
  struct Pair {
    size_t shared, found, known;
  };
  std::vector<Pair> pairs;
  for (size_t f = 0; f < found.size(); ++f) {
    std::map<size_t, size_t> shared;
    for (const std::string& account : found[f].accounts) {
      if (const auto it = known_of.find(account); it != known_of.end()) {
        for (const size_t k : it->second) ++shared[k];
      }
    }
    for (const auto& [k, count] : shared) {
      if (2 * count >= std::min(found[f].accounts.size(), known[k].accounts.size())) pairs.push_back({count, f, k});
    }
  }
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    return std::tie(b.shared, a.known, a.found) < std::tie(a.shared, b.known, b.found);
  });
  std::vector<std::optional<size_t>> same(found.size());
  std::vector<bool> taken(known.size());
  for (const Pair& p : pairs) {
    if (same[p.found] || taken[p.known]) continue;
    same[p.found] = p.known;
    taken[p.known] = true;
  }
  return same;
}

}  // namespace

CampaignLedger::CampaignLedger(std::vector<CampaignFinding> kept) : known_(std::move(kept)) {
  sort();
}

std::vector<std::string> CampaignLedger::update(std::vector<CampaignFinding> found, base::Time now,
                                                base::Time seen_since) {
  std::vector<CampaignFinding> before = std::exchange(known_, {});
  const auto same = match(found, before);
  std::vector<bool> matched(before.size());
  std::unordered_set<std::string> names;
  for (const CampaignFinding& c : before) names.insert(c.campaign);

  std::vector<std::string> fresh;
  std::unordered_set<std::string_view> in_flagged;
  for (size_t f = 0; f < found.size(); ++f) {
    CampaignFinding& c = found[f];
    if (same[f]) {
      CampaignFinding& old = before[*same[f]];
      matched[*same[f]] = true;
      if (old.flagged && !c.flagged) {
        known_.push_back(std::move(old));
        continue;
      }
      c.campaign = old.campaign;
      c.flagged_at = old.flagged_at;
    } else {
      const std::string name = c.campaign;
      for (int n = 2; !names.insert(c.campaign).second; ++n) c.campaign = fmt::format("{}-{}", name, n);
    }
    if (c.flagged && !c.flagged_at) {
      c.flagged_at = now;
      fresh.push_back(c.campaign);
    }
    if (c.flagged) in_flagged.insert(c.accounts.begin(), c.accounts.end());
    known_.push_back(c);
  }
  for (size_t k = 0; k < before.size(); ++k) {
    CampaignFinding& old = before[k];
    if (matched[k] || !old.flagged || old.last_seen < seen_since) continue;
    const auto elsewhere = std::count_if(old.accounts.begin(), old.accounts.end(),
                                         [&](const std::string& account) { return in_flagged.contains(account); });
    if (2 * static_cast<size_t>(elsewhere) <= old.accounts.size()) known_.push_back(std::move(old));
  }
  sort();
  return fresh;
}

void CampaignLedger::sort() {
  std::stable_sort(known_.begin(), known_.end(), [](const CampaignFinding& a, const CampaignFinding& b) {
    return std::tie(b.flagged, a.p_value) < std::tie(a.flagged, b.p_value);
  });
}

bool CampaignLedger::forget(std::string_view account) {
  bool found = false;
  for (CampaignFinding& c : known_) {
    const auto at = std::find(c.accounts.begin(), c.accounts.end(), account);
    if (at == c.accounts.end()) continue;
    found = true;
    const auto place = static_cast<uint32_t>(at - c.accounts.begin());
    c.accounts.erase(at);
    std::erase_if(c.links, [&](const pipeline::CampaignLink& l) { return l.a == place || l.b == place; });
    for (pipeline::CampaignLink& l : c.links) {  // places behind it move up
      l.a -= l.a > place;
      l.b -= l.b > place;
    }
    for (pipeline::CampaignReason& reason : c.why) {
      if (reason.example.find(account) != std::string::npos) reason.example.clear();
    }
  }
  std::erase_if(known_, [](const CampaignFinding& c) { return c.accounts.empty(); });
  return found;
}

}  // namespace stillwatch::gateway
