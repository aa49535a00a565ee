// A line to the machine's log (RFC 3164, as /dev/log takes it): facility authpriv, severity warning, by name
// `stillwatch`. Thread rule: pure function. Never waits: a log that does not listen, or is full, is a failure.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace stillwatch::gateway {

bool send_to_syslog(const std::string& socket_path, std::string_view line, base::Time now);

}  // namespace stillwatch::gateway
