#include "report/html.h"

#include "report/assets.h"
#include "report/text.h"

namespace stillwatch::report {

void write_html(const pipeline::Findings& findings, const ReadStats& stats, const Write& write) {
  std::string_view page = assets::report_html();
  const auto until = [&](std::string_view mark) {
    const size_t at = page.find(mark);
    write(page.substr(0, at));
    page.remove_prefix(at + mark.size());
  };
  until("/*STYLE*/");
  write(assets::report_css());
  until("/*DATA*/");
  write("{\"summary\":");
  write(harmless(summary_json(findings, stats)));
  write(",\"campaigns\":");
  write_campaigns(findings, kCampaignsMax, kMembersMax, [&](std::string_view text) { write(harmless(text)); });
  write(",\"campaigns_found\":" + std::to_string(findings.campaigns.size()));
  write(",\"details_max\":" + std::to_string(kDetailsMax) + ",\"accounts\":[");
  size_t n = 0;
  for (const pipeline::AccountFinding& a : findings.ranked) {
    if (n == kRowsMax) break;
    if (n > 0) write(",\n");
    write(harmless(account_json(a, n < kDetailsMax ? Depth::kDetails : Depth::kRow)));
    ++n;
  }
  write("]}");
  until("/*SCRIPT*/");
  write(assets::report_js());
  write(assets::campaigns_js());
  write(page);
}

}  // namespace stillwatch::report
