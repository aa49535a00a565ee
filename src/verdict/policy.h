// What an operator wants done about whom: rungs of a ladder, each with the evidence and the exposure that it asks for
// and a mode. YAML form with every key: docs/policy.md.
//
// A decision is made when evidence or exposure change and is looked up when a request comes. A rung in mode `observe`
// is decided like any other and done to nobody. Rungs act only on evidence from a calibrated baseline, or on a person's
// label, unless the policy says otherwise. Thread rule: const methods are reentrant.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/yaml_map.h"
#include "verdict/verdict.h"

namespace stillwatch::verdict {

enum class Mode : uint8_t { kOff, kObserve, kEnforce };
std::string_view name_of(Mode mode);  // off, observe, enforce

// In the order in which they weigh on an account.
enum class Rung : uint8_t { kDelay, kStrip, kRefuse };
constexpr int kRungs = 3;
std::string_view name_of(Rung rung);  // delay, strip, refuse

constexpr uint32_t kDelayMsMax = 60'000;
constexpr double kPValueMax = 0.05;  // less evidence than this is no reason to act

// What a decision is about.
struct Standing {
  std::string_view account;
  Verdict verdict = Verdict::kInsufficient;
  double p_value = 1;
  bool calibrated = false;
  Exposure exposure;
};

struct RungRule {
  Rung rung = Rung::kDelay;
  Mode mode = Mode::kObserve;
  // All of these must hold.
  bool flagged = true;     // the verdict is harvest or labelled-hostile
  double p_value_max = 1;  // of an account that has been judged; labelled ones pass
  double novel_exchanges_min = 0;
  double output_tokens_min = 0;
  double coverage_min = 0;

  uint32_t delay_ms = 1000;               // kDelay
  int status = 403;                       // kRefuse: 403 or 429
  std::string message = "access denied";  // kRefuse
  uint32_t retry_after_s = 3600;          // kRefuse with 429
};

// What is done to the requests of one account.
struct Decision {
  uint32_t delay_ms = 0;
  bool strip_logprobs = false;
  const RungRule* refusal = nullptr;  // lives as long as the policy
  uint8_t observed = 0;               // bits by Rung: would have been done
  uint8_t enforced = 0;               // bits by Rung: is done

  bool nothing() const { return (observed | enforced) == 0; }
};

class Policy {
 public:
  Policy() = default;  // decides nothing
  // From the map under `policy`; what is wrong is told to it.
  static Policy read(base::YamlMap& map);

  Decision decide(const Standing& s) const;
  bool allowed(std::string_view account) const;

  const std::vector<RungRule>& rules() const { return rules_; }
  // Of the text that the policy was read from: decisions name it.
  uint64_t hash() const { return hash_; }
  void set_hash(uint64_t hash) { hash_ = hash; }

 private:
  std::vector<RungRule> rules_;
  std::vector<std::string> allow_;  // account names; a * at the end stands for any rest
  bool act_uncalibrated_ = false;
  uint64_t hash_ = 0;
};

}  // namespace stillwatch::verdict
