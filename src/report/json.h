// Findings as JSON, docs/report.md: an object with `summary`, `campaigns` and `accounts`, written account by account so
// that a hundred thousand need no document in memory. Valid UTF-8 whatever an account is called; numbers are finite.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "pipeline/findings.h"
#include "report/read_stats.h"

namespace stillwatch::report {

using Write = std::function<void(std::string_view)>;

void write_json(const pipeline::Findings& findings, const ReadStats& stats, const Write& write);

// How much is told of one account: a row of a table; and why and since when; and its histograms, for drill-down.
enum class Depth : uint8_t { kRow, kReasons, kDetails };

// With the first `members_max` of its accounts and the links between those; 0: a row, which has neither.
std::string campaign_json(const pipeline::CampaignFinding& campaign, size_t members_max = SIZE_MAX);
// Back again, of what campaign_json wrote.
base::Result<pipeline::CampaignFinding> parse_campaign(std::string_view json);

// A list, or null if none were sought for want of a baseline that knows honest groups.
void write_campaigns(const pipeline::Findings& findings, size_t campaigns_max, size_t members_max, const Write& write);

// The pieces, for the HTML page: compact JSON text of the summary and of one account.
std::string summary_json(const pipeline::Overview& overview, const ReadStats& stats);
std::string account_json(const pipeline::AccountFinding& account, Depth depth);

}  // namespace stillwatch::report
