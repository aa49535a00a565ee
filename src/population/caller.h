// What the log shows of an account besides its prompts: names, networks, clients, sampling parameters. All classes draw
// from the same lists, so that nothing here tells a harvester but what its group's `network` and `client` make alike.
//
// Thread rule: values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "population/config.h"

namespace stillwatch::population {

// Opaque, the same form for all.
std::string fresh_account(base::Random& random);

struct Caller {
  // `campaign` is the same stream for all accounts of a campaign.
  Caller(const Group& group, base::Random& random, base::Random campaign);

  std::vector<std::string> networks;
  std::vector<std::string> clients;
  std::string parameters;  // JSON fields of the body, each with a comma before it
  bool anthropic = false;  // the body's dialect
};

}  // namespace stillwatch::population
