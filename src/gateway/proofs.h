// Two things that countermeasures leave behind and that outlive the process: what was put into answers, for
// attribution, and which challenges were redeemed. Private to the module.
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

}  // namespace stillwatch::gateway
