// Campaigns as findings: who is in it, since when, what has left through all of them, and why they are taken for one.
// Private to the module. Thread rule: pure functions.
#pragma once

#include "campaigns/campaigns.h"
#include "pipeline/accounts.h"
#include "pipeline/findings.h"

namespace stillwatch::pipeline {

// Those of `found` that are beyond the budget of false campaigns, or close to it.
std::vector<CampaignFinding> describe(const std::vector<campaigns::Campaign>& found,
                                      const campaigns::Accounts& accounts, const signals::Baseline& baseline);

// Accounts with as many exchanges as a first look needs, in the order of their names, but for those so labelled. What
// it gives reads `accounts`, which must stay as they are.
campaigns::Accounts traces_of(const Accounts& accounts, const verdict::Labels& labels, base::Time now,
                              std::optional<verdict::LabelKind> without);

}  // namespace stillwatch::pipeline
