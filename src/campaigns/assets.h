// Files of rules/ embedded at build time.
#pragma once

#include <string_view>

namespace stillwatch::campaigns::assets {

std::string_view reference_space();

}  // namespace stillwatch::campaigns::assets
