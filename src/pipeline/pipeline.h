// The one pipeline: features in, findings out; the same for a log file and a live socket. No I/O, no clock: time is the
// exchanges' time. Exchanges of one account must come in order of time up to the disorder that sources put right
// (base::kReorderWindowMs); profiles do not depend on order at all, only when looks happen does.
//
// Thread rule: one thread at a time. Bounds: a profile (base::kProfileBytesMax) and at most kLooks look records an
// account and epoch.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "features/features.h"
#include "pipeline/findings.h"
#include "signals/baseline.h"
#include "verdict/labels.h"

namespace stillwatch::pipeline {

struct Options {
  double false_alarms_per_10000 = 5;  // per month (an epoch of base::kEpochMs)
};

// An account as bytes that load() takes back (docs/formats/subject.md).
struct SavedSubject {
  std::string account;
  base::Time last_seen{};
  std::string bytes;
};

class Pipeline {
 public:
  // `baseline` null: calibrate on the traffic itself when findings() is called, or use the reference where it is too
  // little; either way the findings are labelled uncalibrated.
  Pipeline(std::shared_ptr<const signals::Baseline> baseline, verdict::Labels labels, Options options);
  ~Pipeline();

  // True if the account was looked at: its evidence may be another now.
  bool observe(std::string_view account, std::string_view organization, const features::Features& f);

  // What is known now of one account, without the comparison with all others that findings() makes: it is ranked and
  // flagged by the baseline, or by the reference where there is none. Nothing for an account never seen.
  std::optional<AccountFinding> finding(std::string_view account) const;

  // What is known now. May be called more than once; costs a pass over all accounts.
  Findings findings() const;

  // A baseline calibrated on everything observed (labels respected); fails, saying how much is missing, for too little.
  base::Result<signals::Baseline> calibrate() const;

  std::vector<std::string> names() const;  // of all accounts, in no order
  void set_labels(verdict::Labels labels);

  // The accounts that changed since they were last returned here, at most `max` of them.
  std::vector<SavedSubject> take_changed(size_t max);
  base::Result<void> load(std::string_view account, std::string_view bytes);
  bool forget(std::string_view account);  // false if there is no such account

  uint64_t exchanges() const;
  uint64_t accounts() const;
  size_t bytes() const;  // memory held for subjects

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stillwatch::pipeline
