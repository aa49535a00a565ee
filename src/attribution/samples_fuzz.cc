// Any bytes as a suspect's texts.
#include "attribution/samples.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static_cast<void>(stillwatch::attribution::read_samples({reinterpret_cast<const char*>(data), size}, "suspect"));
  return 0;
}
