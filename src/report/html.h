// Findings as one HTML page that needs nothing else: styles, script and data inside, plots drawn as SVG by its own
// script, no network (its content security policy forbids it). The data is one JSON block in which `<` is escaped; the
// page is built from it by text nodes only, so hostile account names stay text.
//
// Bounds: details for kDetailsMax accounts, table rows for kRowsMax, kCampaignsMax campaigns with kMembersMax members
// each; the page says so when there are more.
#pragma once

#include "report/json.h"

namespace stillwatch::report {

constexpr size_t kDetailsMax = pipeline::kDetailedMax;
constexpr size_t kRowsMax = 10'000;
constexpr size_t kCampaignsMax = 50;
constexpr size_t kMembersMax = 1000;

void write_html(const pipeline::Findings& findings, const ReadStats& stats, const Write& write);

}  // namespace stillwatch::report
