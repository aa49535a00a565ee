// What countermeasures leave behind and that outlives the process: what was put into answers, for attribution; which
// challenges were redeemed; what a second operator has approved. Private to the module.
#pragma once

#include <string>

#include "base/time.h"
#include "countermeasure/challenge.h"

namespace stillwatch::gateway {

// Of a file of evidence (docs/formats/evidence.md), with its line end.
struct EvidenceLine {
  std::string account;  // "": of a mark or a pool
  std::string line;
};

struct Redeemed {
  countermeasure::Challenge challenge;
  base::Time until{};  // the account passes
};

// Somebody else than who wrote the policy agrees that it refuses so many accounts.
struct Approval {
  uint64_t policy = 0;  // its hash
  size_t accounts = 0;
  std::string who;
};

}  // namespace stillwatch::gateway
