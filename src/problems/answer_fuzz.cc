// Any bytes as a model's answer: what is read as a number reads as itself again.
#include "problems/answer.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using stillwatch::problems::last_number;
  const std::string number = last_number({reinterpret_cast<const char*>(data), size});
  if (!number.empty() && last_number(number) != number) std::abort();
  return 0;
}
