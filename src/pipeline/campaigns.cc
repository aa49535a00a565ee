#include "pipeline/campaigns.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/hash.h"

namespace stillwatch::pipeline {
namespace {

using campaigns::Campaign;
using campaigns::Key;
using campaigns::KeyKind;
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
    case LinkKind::kSuccession:
      return {"succession", "one begins where another ends"};
  }
  return {};
}

std::string_view name_of(KeyKind kind) {
  switch (kind) {
    case KeyKind::kPrompt:
      return "a prompt";
    case KeyKind::kOpening:
      return "an opening";
    case KeyKind::kOpenings:
      return "a set of openings";
    case KeyKind::kSystem:
      return "a system prompt";
    case KeyKind::kNetwork:
      return "a network";
    case KeyKind::kClient:
      return "a client";
  }
  return "";
}

double novel(const profile::Summary& all) {
  return std::min(all.prompts.estimate(), static_cast<double>(all.meaningful));
}

// What the rarest of the keys is that both have, and how many have it.
std::string shared_key(const campaigns::Accounts& accounts, const campaigns::Trace& a, const campaigns::Trace& b,
                       bool identity) {
  std::unordered_map<uint64_t, size_t> holders;
  for (const Key& key : a.keys) {
    const bool both = std::any_of(b.keys.begin(), b.keys.end(), [&](const Key& k) { return k.hash == key.hash; });
    if (both && identity == campaigns::is_identity(key.kind)) holders[key.hash] = 0;
  }
  for (const campaigns::Trace& t : accounts.traces) {
    for (const Key& key : t.keys) {
      if (const auto it = holders.find(key.hash); it != holders.end()) ++it->second;
    }
  }
  const Key* rarest = nullptr;
  for (const Key& key : a.keys) {
    const auto it = holders.find(key.hash);
    if (it != holders.end() && (rarest == nullptr || it->second < holders[rarest->hash])) rarest = &key;
  }
  if (rarest == nullptr) return "";
  return fmt::format("{} that {} of {} accounts have", name_of(rarest->kind), holders[rarest->hash],
                     accounts.traces.size());
}

// Of the link that says most of that kind.
std::string example_of(LinkKind kind, const Campaign& c, const campaigns::Accounts& accounts) {
  const campaigns::Link& link = c.strongest[static_cast<size_t>(kind)];
  const campaigns::Trace& a = accounts.traces[link.a];
  const campaigns::Trace& b = accounts.traces[link.b];
  const double evidence = static_cast<double>(link.evidence[static_cast<size_t>(kind)]);
  std::string example = fmt::format("{} and {}: evidence {:.1f}", a.account, b.account, evidence);
  if (kind == LinkKind::kContent || kind == LinkKind::kIdentity) {
    const std::string key = shared_key(accounts, a, b, kind == LinkKind::kIdentity);
    if (!key.empty()) example.append(", ").append(key);
  } else if (kind == LinkKind::kSuccession) {
    const int64_t gap_ms = std::max(a.first_ms - b.last_ms, b.first_ms - a.last_ms);
    fmt::format_to(std::back_inserter(example), ", {:.1f} hours between them",
                   static_cast<double>(gap_ms) / static_cast<double>(base::kHourMs));
  }
  return example;
}

std::vector<CampaignReason> reasons_of(const Campaign& c, const profile::Summary& all,
                                       const campaigns::Accounts& accounts, const signals::Baseline& baseline) {
  std::vector<CampaignReason> why;
  for (size_t k = 0; k < campaigns::kLinkKinds; ++k) {
    if (c.links[k] < 0.01) continue;
    const auto kind = static_cast<LinkKind>(k);
    const LinkText text = text_of(kind);
    why.push_back({std::string(text.kind), c.links[k], std::string(text.explanation), example_of(kind, c, accounts)});
  }
  size_t told = 0;
  for (const signals::Reading& r : baseline.read(c.judged.values, c.judged.look)) {
    if (campaigns::of_one(r.signal)) continue;
    if (r.share <= 0 || told++ == kSignalsTold) break;
    why.push_back({std::string(signals::info_of(r.signal).name), r.share, fmt::format("pooled: {}", r.explanation)});
  }
  why.push_back(
      {"complementarity", 1 - c.judged.overlap,
       fmt::format("{:.0f} % of their prompts are sent by one member alone", 100 * (1 - c.judged.overlap)),
       fmt::format("{} exchanges of all members hold about {:.0f} distinct prompts", all.exchanges, novel(all))});
  return why;
}

}  // namespace

std::vector<CampaignFinding> find_campaigns(const campaigns::Accounts& accounts, const campaigns::Reference& reference,
                                            const signals::Baseline& baseline, unsigned threads) {
  campaigns::Options options;
  options.threads = threads;
  std::vector<CampaignFinding> out;
  for (const Campaign& c : campaigns::find(accounts, reference, baseline, options)) {
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
    f.calibrated = baseline.calibrated();
    f.exposure = {novel(all), all.output_tokens, static_cast<double>(all.cells.nonzero()) / features::kCells};
    f.areas.resize(features::kCells);
    all.cells.for_each([&](size_t area, uint64_t exchanges) { f.areas[area] = exchanges; });
    f.why = reasons_of(c, all, accounts, baseline);
    for (const campaigns::Link& link : c.told) f.links.push_back({place.at(link.a), place.at(link.b), link.evidence});
    out.push_back(std::move(f));
  }
  return out;
}

}  // namespace stillwatch::pipeline
