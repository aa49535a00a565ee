// Files of rules/ embedded at build time.
#pragma once

#include <string_view>

namespace stillwatch::signals::assets {

std::string_view weights();
std::string_view reference_baseline();

}  // namespace stillwatch::signals::assets
