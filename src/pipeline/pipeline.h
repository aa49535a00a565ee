// The one pipeline: features in, findings out; the same for a log file and a live socket. No I/O, no clock: time is the
// exchanges' time. Exchanges of one account must come in order of time up to the disorder that sources put right
// (base::kReorderWindowMs); profiles do not depend on order at all, only when looks happen does.
//
// Thread rule: one thread at a time. Bounds: a profile (base::kProfileBytesMax) and at most kLooks look records an
// account and epoch.
#pragma once

#include <memory>
#include <string_view>

#include "features/features.h"
#include "pipeline/findings.h"
#include "signals/baseline.h"
#include "verdict/labels.h"

namespace stillwatch::pipeline {

struct Options {
  double false_alarms_per_10000 = 5;  // per month (an epoch of base::kEpochMs)
};

class Pipeline {
 public:
  // `baseline` null: calibrate on the traffic itself when findings() is called, or use the reference where it is too
  // little; either way the findings are labelled uncalibrated.
  Pipeline(std::shared_ptr<const signals::Baseline> baseline, verdict::Labels labels, Options options);
  ~Pipeline();

  void observe(std::string_view account, std::string_view organization, const features::Features& f);

  // What is known now. May be called more than once; costs a pass over all accounts.
  Findings findings() const;

  // A baseline calibrated on everything observed (labels respected); fails, saying how much is missing, for too little.
  base::Result<signals::Baseline> calibrate() const;

  uint64_t exchanges() const;
  uint64_t accounts() const;
  size_t bytes() const;  // memory held for subjects

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stillwatch::pipeline
