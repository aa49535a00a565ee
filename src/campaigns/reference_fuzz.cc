// Any bytes as what a baseline says of honest groups: refused, or a reference that judges and reads back what it wrote.
#include <cstdlib>

#include "campaigns/reference.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using stillwatch::campaigns::Reference;
  const auto reference = Reference::parse({reinterpret_cast<const char*>(data), size});
  if (!reference) return 0;
  for (size_t of = stillwatch::campaigns::kGroupMin; of < 10'000; of *= 2) {
    const std::vector<size_t> sizes = reference->groups().comparable(of);
    if (sizes.empty()) continue;
    if (sizes.back() > of) std::abort();
    const std::vector<double> scores(sizes.size(), 3.5);
    const double p = reference->groups().p({reference->turned().front(), scores}).value;
    if (!(p > 0 && p <= 1)) std::abort();
  }
  if (!Reference::parse(reference->to_json())) std::abort();
  return 0;
}
