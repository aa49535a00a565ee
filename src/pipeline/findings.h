// What a run of the pipeline found, ready for people and programs: plain values, no text of any prompt.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "campaigns/links.h"
#include "profile/profile.h"
#include "signals/evidence.h"
#include "verdict/labels.h"
#include "verdict/verdict.h"

namespace stillwatch::pipeline {

constexpr size_t kDetailedMax = 500;

// One scheduled judgement of an account.
struct Look {
  base::Time time{};
  uint64_t exchanges = 0;  // in the epoch, at that look
  double score = 0;
  double p_value = 1;
};

struct AccountFinding {
  std::string account;
  std::string organization;  // "" if unknown
  uint64_t exchanges = 0;
  uint64_t failed = 0;
  base::Time first_seen{};
  base::Time last_seen{};

  bool flagged = false;
  std::optional<base::Time> flagged_at;
  uint64_t flagged_after = 0;  // exchanges, when flagged
  signals::Evidence evidence;  // of the strongest look
  double q_value = 1;          // Benjamini-Hochberg over all accounts; ranks only
  verdict::Exposure exposure;
  verdict::Verdict verdict = verdict::Verdict::kInsufficient;
  std::string campaign;  // that it is a member of; "" if none is known
  std::optional<verdict::Label> label;

  std::vector<Look> looks;                          // in order of time
  std::shared_ptr<const profile::Summary> summary;  // whole life, for drill-down; null if it was not asked for
};

struct CampaignReason {
  std::string kind;     // of link, or a signal of the pooled members
  double strength = 0;  // mean evidence of links (natural logarithm), share of a score, or a share
  std::string explanation;
  std::string example = {};  // one case of it, in words; "" if there is none to show
};

// Why two members are taken to belong together.
struct CampaignLink {
  uint32_t a = 0;  // places among the campaign's accounts
  uint32_t b = 0;
  std::array<float, campaigns::kLinkKinds> evidence{};  // by campaigns::LinkKind
};

// Accounts that act as one, judged as one subject (docs/campaigns.md).
struct CampaignFinding {
  std::string campaign;
  std::vector<std::string> accounts;  // who lean most towards the rest first
  bool flagged = false;
  std::optional<base::Time> flagged_at = {};  // by a gateway: the look that did so first
  uint64_t exchanges = 0;
  base::Time first_seen{};
  base::Time last_seen{};
  double p_value = 1;
  double resolution = 1;
  bool extrapolated = false;
  bool calibrated = false;
  double q_value = 1;  // over all groups of this run; flagged by it
  verdict::Exposure exposure;
  std::vector<uint64_t> areas;  // exchanges by area of the capability map
  std::vector<CampaignReason> why;
  std::vector<CampaignLink> links;  // the strongest of every member, strongest first
  verdict::Verdict verdict = verdict::Verdict::kWatch;
};

struct BaselineFacts {
  std::string name;  // file name, "reference" or "this log"
  bool calibrated = false;
  uint64_t subjects = 0;  // that ranks are taken among
  base::Time made{};
  double drift_p_value = 1;  // that accounts of this log come from the baseline's population
  double drift_index = 0;    // population stability index
  bool drifted = false;
};

constexpr size_t kPValueBins = 20;

// All but the accounts themselves.
struct Overview {
  base::Time first{};
  base::Time last{};
  uint64_t exchanges = 0;
  uint64_t failed = 0;
  uint64_t output_tokens = 0;
  uint64_t accounts = 0;
  uint64_t accounts_judged = 0;  // reached the first look
  uint64_t accounts_flagged = 0;
  double false_alarms_per_10000 = 5;  // the budget, accounts per month
  double threshold = 0;               // on p_value
  // Judged accounts by p-value, in bins of a twentieth: flat for honest traffic that the baseline fits.
  std::array<uint64_t, kPValueBins> p_values{};
  BaselineFacts baseline;
};

struct Findings : Overview {
  std::vector<AccountFinding> ranked;  // flagged first, then by score; the first kDetailedMax with their summaries
  bool campaigns_sought = false;       // only a baseline that knows honest groups can judge them
  std::vector<CampaignFinding> campaigns = {};
};

}  // namespace stillwatch::pipeline
