// Any bytes as what an endpoint answered.
#include "attribution/reading.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace wm = stillwatch::watermark;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto units : {wm::Units::kWords, wm::Units::kTokens}) {
    wm::Windows windows(2);
    static_cast<void>(stillwatch::attribution::add_readings(text, "readings", units, windows));
  }
  return 0;
}
