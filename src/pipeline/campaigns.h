// Campaigns as findings: who is in it, since when, what has left through all of them, and why they are taken for one.
// The same for a scan and for a gateway. Thread rule: pure functions.
#pragma once

#include "campaigns/campaigns.h"
#include "pipeline/findings.h"

namespace stillwatch::pipeline {

// Those among `accounts` that are beyond the budget of false campaigns, or close to it. REQUIRES: traces in the order
// of their accounts' names.
std::vector<CampaignFinding> find_campaigns(const campaigns::Accounts& accounts, const campaigns::Reference& reference,
                                            const signals::Baseline& baseline, unsigned threads = 1);

}  // namespace stillwatch::pipeline
