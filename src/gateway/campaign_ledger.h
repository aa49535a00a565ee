// Campaigns over time. A look's campaign is one that was known before if they share at least half of the accounts of
// the smaller of them, those first that share most; it then keeps that one's name. A flagged campaign stays flagged, as
// the last look that flagged it found it, until it was not seen for as long as findings are kept, or more than half of
// its accounts are in others. One on watch is what the last look says.
//
// Thread rule: one thread at a time. Bounds: one set of accounts a flagged campaign, and what the last look found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/findings.h"

namespace stillwatch::gateway {

class CampaignLedger {
 public:
  CampaignLedger() = default;
  explicit CampaignLedger(std::vector<pipeline::CampaignFinding> kept);

  // Takes in what a look found at `now`; the names of those that it flagged for the first time.
  std::vector<std::string> update(std::vector<pipeline::CampaignFinding> found, base::Time now, base::Time seen_since);
  bool forget(std::string_view account);  // false if it is in none

  // Flagged ones first, then by p-value.
  const std::vector<pipeline::CampaignFinding>& known() const { return known_; }

 private:
  void sort();
  std::vector<pipeline::CampaignFinding> known_;
};

}  // namespace stillwatch::gateway
