// Any bytes as a line of a dataset that is to be gone on with.
#include "distill/harvest_row.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto facts = stillwatch::distill::read_row_facts({reinterpret_cast<const char*>(data), size});
  if (facts && facts->id.empty()) std::abort();
  return 0;
}
