// Any bytes as a file of labels.
#include "verdict/labels.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto labels = stillwatch::verdict::Labels::parse({reinterpret_cast<const char*>(data), size}, "labels");
  if (labels) static_cast<void>(labels->find("a", stillwatch::base::from_ms(0)));
  return 0;
}
