#include "pipeline/campaigns.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/hash.h"

namespace stillwatch::pipeline {
namespace {

using campaigns::Campaign;
using campaigns::LinkKind;

constexpr double kWatchQValue = 0.1;
constexpr size_t kSignalsTold = 4;

struct LinkText {
  std::string_view kind;
  std::string_view explanation;
};
LinkText text_of(LinkKind kind) {
  switch (kind) {
    case LinkKind::kNearness:
      return {"nearness", "they lean away from the crowd in the same direction"};
    case LinkKind::kContent:
      return {"content", "they share prompts, openings or system prompts that few others have"};
    case LinkKind::kIdentity:
      return {"identity", "they share networks or clients that few others have"};
    case LinkKind::kHours:
      return {"hours", "they are active in the same hours"};
  }
  return {};
}

std::vector<CampaignReason> reasons_of(const Campaign& c, const signals::Baseline& baseline) {
  std::vector<CampaignReason> why;
  for (size_t k = 0; k < campaigns::kLinkKinds; ++k) {
    if (c.links[k] < 0.01) continue;
    const LinkText text = text_of(static_cast<LinkKind>(k));
    why.push_back({std::string(text.kind), c.links[k], std::string(text.explanation)});
  }
  size_t told = 0;
  for (const signals::Reading& r : baseline.read(c.judged.values, c.judged.look)) {
    if (campaigns::of_one(r.signal)) continue;
    if (r.share <= 0 || told++ == kSignalsTold) break;
    why.push_back({std::string(signals::info_of(r.signal).name), r.share, fmt::format("pooled: {}", r.explanation)});
  }
  why.push_back({"complementarity", 1 - c.judged.overlap,
                 fmt::format("{:.0f} % of their prompts are sent by one member alone", 100 * (1 - c.judged.overlap))});
  return why;
}

}  // namespace

std::vector<CampaignFinding> describe(const std::vector<Campaign>& found, const campaigns::Accounts& accounts,
                                      const signals::Baseline& baseline) {
  std::vector<CampaignFinding> out;
  for (const Campaign& c : found) {
    if (c.q_value > kWatchQValue) continue;
    CampaignFinding f;
    profile::Summary all;
    std::pair<int64_t, std::string_view> earliest{INT64_MAX, {}};
    std::unordered_map<uint32_t, uint32_t> place;
    for (const uint32_t m : c.members) {
      const std::string& name = accounts.traces[m].account;
      place.emplace(m, static_cast<uint32_t>(f.accounts.size()));
      f.accounts.push_back(name);
      const auto summary = accounts.summary_of(m);
      if (!summary) continue;
      all.merge(*summary);
      earliest = std::min(earliest, {summary->first_ms, name});
    }
    // By its first member: it keeps its name as others join.
    f.campaign = fmt::format("campaign-{:08x}", static_cast<uint32_t>(base::hash64(earliest.second)));
    f.flagged = c.q_value <= campaigns::kFalseCampaignsMax;
    f.verdict = f.flagged ? verdict::Verdict::kHarvest : verdict::Verdict::kWatch;
    f.exchanges = all.exchanges;
    f.first_seen = base::from_ms(all.first_ms);
    f.last_seen = base::from_ms(all.last_ms);
    f.p_value = c.p_value.value;
    f.resolution = c.p_value.resolution;
    f.extrapolated = c.p_value.extrapolated;
    f.q_value = c.q_value;
    f.exposure = {std::min(all.prompts.estimate(), static_cast<double>(all.meaningful)), all.output_tokens,
                  static_cast<double>(all.cells.nonzero()) / features::kCells};
    f.why = reasons_of(c, baseline);
    for (const campaigns::Link& link : c.told) f.links.push_back({place.at(link.a), place.at(link.b), link.evidence});
    out.push_back(std::move(f));
  }
  return out;
}

campaigns::Accounts traces_of(const Accounts& accounts, const verdict::Labels& labels, base::Time now,
                              std::optional<verdict::LabelKind> without) {
  std::vector<const Accounts::Node*> nodes;
  for (const Accounts::Node* node : accounts.slots()) {
    if (node == nullptr || node->second.exchanges() < signals::kFirstLook) continue;
    const auto label = labels.find(node->first, now);
    if (!label || label->kind != without) nodes.push_back(node);
  }
  std::sort(nodes.begin(), nodes.end(), [](const auto* x, const auto* y) { return x->first < y->first; });
  campaigns::Accounts out;
  std::vector<const Accounts::Node*> known;
  for (const Accounts::Node* node : nodes) {
    const auto summary = accounts.lifetime(*node);
    if (!summary) continue;
    out.traces.push_back(campaigns::Trace::of(node->first, *summary));
    known.push_back(node);
  }
  out.summary_of = [&accounts, known = std::move(known)](uint32_t i) {
    auto summary = accounts.lifetime(*known[i]);
    return summary ? std::make_shared<const profile::Summary>(std::move(*summary)) : nullptr;
  };
  return out;
}

}  // namespace stillwatch::pipeline
