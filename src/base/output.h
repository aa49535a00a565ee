// How libraries put bytes out without touching the disk: into a sink that apps/ hands in.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace stillwatch::base {

using Write = std::function<void(std::string_view)>;

// One file of a folder: it appears under `name` only once `produce` has given all of it.
using WriteFile =
    std::function<Result<void>(const std::string& name, const std::function<void(const Write&)>& produce)>;

}  // namespace stillwatch::base
