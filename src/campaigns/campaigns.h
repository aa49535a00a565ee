// Campaigns: accounts that act as one. Traces are placed in a space of benign variation, linked, cut into communities,
// grown by recruiting, pooled, and judged as one subject: the rank of a group's score among groups of like size that
// were grown in the same way around benign accounts. docs/campaigns.md.
//
// Thread rule: find() is reentrant. Cost: docs/performance.md.
#pragma once

#include <string>
#include <vector>

#include "campaigns/group.h"
#include "campaigns/links.h"

namespace stillwatch::campaigns {

struct Options {
  LinkOptions links;
  bool complementarity = true;
  size_t seeds = 400;  // benign groups of a size
};

// Accounts to look for campaigns among, or benign ones to judge by. REQUIRES: what summary_of gives has not changed
// since the traces were made.
struct Accounts {
  std::vector<Trace> traces;
  SummaryOf summary_of;
};

struct Campaign {
  Group group;  // of accounts
  size_t core = 0;
  std::array<double, kLinkKinds> evidence{};  // mean of the links within
  size_t links = 0;
  GroupScore judged;  // of the size that benign groups have
  size_t judged_size = 0;
  stats::PValue p_value;
  double q_value = 1;
};

// Most unusual first.
std::vector<Campaign> find(const Accounts& accounts, const Accounts& benign, const signals::Baseline& baseline,
                           const Options& options);

}  // namespace stillwatch::campaigns
