// Any bytes as a file of evidence.
#include "watermark/evidence.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  stillwatch::watermark::Evidence evidence;
  static_cast<void>(evidence.read({reinterpret_cast<const char*>(data), size}, "evidence"));
  return 0;
}
