// Campaigns: accounts that act as one. Traces are placed in a space of benign variation, linked, cut into communities,
// grown by recruiting, pooled, and judged as one subject: how far it scores above groups that lean alike and were grown
// around benign accounts, at every size that they have in common. docs/campaigns.md.
//
// Thread rule: pure functions. Cost: docs/campaigns.md.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "campaigns/reference.h"

namespace stillwatch::campaigns {

// Groups of at most this q-value are campaigns: of those that are called so, this share is nothing (expected).
constexpr double kFalseCampaignsMax = 0.01;

struct Options {
  LinkOptions links;
  unsigned threads = 1;
  std::function<void(std::string_view phase)> entering;  // told, if there is one: place, link, group, grow, judge
};

// Of a member's links so many are told, its strongest.
constexpr size_t kLinksTold = 3;

struct Campaign {
  std::vector<uint32_t> members;             // places among the accounts; who lean most first
  std::vector<uint32_t> core;                // the community that it grew from
  std::array<double, kLinkKinds> links{};    // mean evidence of the links between members, by kind
  size_t link_count = 0;                     // between members
  std::array<Link, kLinkKinds> strongest{};  // of these, by kind; of no evidence if none has any
  std::vector<Link> told;                    // of them, strongest first
  GroupScore judged;                         // of its members that lean most, of the largest size that
  size_t judged_size = 0;                    // benign groups have
  stats::PValue p_value;
  double q_value = 1;  // Benjamini-Hochberg over all groups
};

// All groups, the most unusual first; most are nothing.
std::vector<Campaign> find(const Accounts& accounts, const Reference& reference, const signals::Baseline& baseline,
                           const Options& options);

}  // namespace stillwatch::campaigns
