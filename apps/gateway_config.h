// The gateway's configuration as commands take it: a file that they may be given.
#pragma once

#include "gateway/config.h"

namespace stillwatch::apps {

// The defaults for "".
base::Result<gateway::Config> read_gateway_config(const std::string& path);

}  // namespace stillwatch::apps
