// Findings as a policy sees them. Thread rule: pure functions.
#pragma once

#include "pipeline/findings.h"
#include "verdict/policy.h"

namespace stillwatch::pipeline {

// Of no name, and of no campaign.
inline verdict::Standing standing_of(const AccountFinding& f) {
  return {{}, f.verdict, f.evidence.p_value, f.evidence.calibrated, f.exposure};
}
inline verdict::CampaignStanding standing_of(const CampaignFinding& c) {
  return {c.campaign, c.p_value, c.calibrated, c.exposure};
}

}  // namespace stillwatch::pipeline
