// What an operator wants done about whom: rungs of a ladder, each with the evidence and the exposure that it asks for
// and a mode. YAML form with every key: docs/policy.md.
//
// A decision is made when evidence or exposure change and is looked up when a request comes. A rung in mode `observe`
// is decided like any other and done to nobody. Rungs act only on evidence from a calibrated baseline, or on a person's
// label, unless the policy says otherwise. Thread rule: const methods are reentrant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/yaml_map.h"
#include "verdict/verdict.h"

namespace stillwatch::verdict {

enum class Mode : uint8_t { kOff, kObserve, kEnforce };
std::string_view name_of(Mode mode);  // off, observe, enforce

// In the order in which they weigh on an account.
enum class Rung : uint8_t { kDelay, kStrip, kMark, kChallenge, kRefuse };
constexpr int kRungs = 5;
std::string_view name_of(Rung rung);  // delay, strip, mark, challenge, refuse

// What a rung is about, as bits.
enum What : uint8_t { kLogprobs = 1, kReasoning = 2, kWatermark = 4, kCanary = 8 };

constexpr uint32_t kDelayMsMax = 60'000;
constexpr uint32_t kDraftsMax = 16;
constexpr double kPValueMax = 0.05;  // less evidence than this is no reason to act

// A flagged campaign, judged as one subject.
struct CampaignStanding {
  std::string name;
  double p_value = 1;
  bool calibrated = false;
  Exposure exposure;  // through all members
};

// What a decision is about.
struct Standing {
  std::string_view account;
  Verdict verdict = Verdict::kInsufficient;
  double p_value = 1;
  bool calibrated = false;
  Exposure exposure;
  std::optional<CampaignStanding> campaign = {};  // that the account is a member of
};

struct RungRule {
  Rung rung = Rung::kDelay;
  Mode mode = Mode::kObserve;
  // All of these must hold: of the account or, with `campaign`, of a flagged campaign that it is a member of.
  bool campaign = false;
  bool flagged = true;     // the verdict is harvest or labelled-hostile
  double p_value_max = 1;  // of an account that has been judged; labelled ones pass
  double novel_exchanges_min = 0;
  double output_tokens_min = 0;
  double coverage_min = 0;

  uint32_t delay_ms = 0;          // kDelay
  uint32_t per_minute = 0;        // kDelay: requests that pass; 0 for any number
  uint8_t what = 0;               // kStrip: kLogprobs, kReasoning; kMark: kWatermark, kCanary
  uint32_t drafts = 4;            // kMark, with kWatermark
  int status = 403;               // kRefuse: 403 or 429
  std::string message;            // kRefuse, kChallenge
  uint32_t retry_after_s = 3600;  // kRefuse with 429
  std::string url;                // kChallenge: the operator's page
  uint32_t token_s = 3600;        // kChallenge: until when a token can be redeemed
  uint32_t pass_s = 30 * 86'400;  // kChallenge: for how long one that is redeemed lets the account pass
};

// What is done to the requests of one account.
struct Decision {
  uint32_t delay_ms = 0;
  uint32_t per_minute = 0;              // 0: any number
  uint32_t campaign_per_minute = 0;     // the same of all members of its campaign together
  uint8_t what = 0;                     // bits of What: is stripped, or put in
  uint32_t drafts = 0;                  // with kWatermark
  bool campaign_key = false;            // with kWatermark: that of its campaign marks
  const RungRule* challenge = nullptr;  // lives as long as the policy
  const RungRule* refusal = nullptr;    // the same
  uint8_t observed = 0;                 // bits by Rung: would have been done
  uint8_t enforced = 0;                 // bits by Rung: is done

  bool nothing() const { return (observed | enforced) == 0; }
};

class Policy {
 public:
  Policy() = default;  // decides nothing
  // From the map under `policy`; what is wrong is told to it.
  static Policy read(base::YamlMap& map);

  Decision decide(const Standing& s) const;
  bool allowed(std::string_view account) const;

  bool marks() const;  // a rung of it puts something into answers, if it is enforced

  // More accounts than these are refused only once a second operator has approved; SIZE_MAX: any number.
  size_t refuse_accounts_max() const { return refuse_accounts_max_; }

  const std::vector<RungRule>& rules() const { return rules_; }
  // Of the text that the policy was read from: decisions name it.
  uint64_t hash() const { return hash_; }
  void set_hash(uint64_t hash) { hash_ = hash; }

 private:
  std::vector<RungRule> rules_;
  std::vector<std::string> allow_;  // account names; a * at the end stands for any rest
  bool act_uncalibrated_ = false;
  size_t refuse_accounts_max_ = SIZE_MAX;
  uint64_t hash_ = 0;
};

}  // namespace stillwatch::verdict
