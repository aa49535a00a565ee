// A structure with names and numbers: the wording and the working. Private to the module.
#pragma once

#include <optional>

#include "base/random.h"
#include "problems/problem.h"

namespace stillwatch::problems {

// Nothing if the numbers that were drawn led beyond 1 ... kNumberMax, or to a division with a rest.
std::optional<Problem> tell(const Structure& structure, base::Random& random);

}  // namespace stillwatch::problems
