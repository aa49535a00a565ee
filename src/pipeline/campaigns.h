// Campaigns as findings: who is in it, since when, what has left through all of them, and why they are taken for one.
// Private to the module. Thread rule: pure functions.
#pragma once

#include "campaigns/campaigns.h"
#include "pipeline/findings.h"

namespace stillwatch::pipeline {

// Those of `found` that are beyond the budget of false campaigns, or close to it.
std::vector<CampaignFinding> describe(const std::vector<campaigns::Campaign>& found,
                                      const campaigns::Accounts& accounts, const signals::Baseline& baseline);

}  // namespace stillwatch::pipeline
