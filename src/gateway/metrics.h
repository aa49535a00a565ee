// What the gateway counts, as Prometheus text (exposition format 0.0.4). Private to the module; docs/gateway.md has the
// list. Thread rule: from any thread.
#pragma once

#include <string>

#include "gateway/worker.h"

namespace stillwatch::gateway {

std::string metrics_text(const Shared& shared);

}  // namespace stillwatch::gateway
