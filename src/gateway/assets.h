// Files that are part of the program. Thread rule: pure functions.
#pragma once

#include <string_view>

namespace stillwatch::gateway::assets {

std::string_view openapi();  // docs/openapi.json

}  // namespace stillwatch::gateway::assets
