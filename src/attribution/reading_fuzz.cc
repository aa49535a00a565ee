// Any bytes as what an endpoint answered.
#include "attribution/reading.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace wm = stillwatch::watermark;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto units : {wm::Units::kWords, wm::Units::kTokens}) {
    wm::MarkEvidence mark;
    mark.units = units;
    stillwatch::attribution::Readings readings;
    static_cast<void>(stillwatch::attribution::read_readings(text, "readings", mark, readings));
  }
  return 0;
}
