// Files of rules/ embedded at build time.
#pragma once

#include <string_view>

namespace stillwatch::features::assets {

std::string_view embedding();

}  // namespace stillwatch::features::assets
