// Any bytes as a baseline: refused, or a baseline that judges without trouble and reads back what it wrote.
#include <cmath>
#include <cstdlib>

#include "signals/baseline.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using stillwatch::signals::Baseline;
  const auto baseline = Baseline::parse({reinterpret_cast<const char*>(data), size});
  if (!baseline) return 0;
  for (const double score : {-1e9, 0.0, 3.5, 1e9}) {
    const auto evidence = baseline->weigh(score);
    if (!(evidence.p_value > 0 && evidence.p_value <= 1)) std::abort();
  }
  for (int look = 0; look < stillwatch::signals::kLooks; ++look) (void)baseline->read({}, look);
  if (!Baseline::parse(baseline->to_json())) std::abort();
  return 0;
}
