// Any bytes as the body of a request, chat and not.
#include "serving/ask.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const bool chat : {true, false}) {
    const auto ask = stillwatch::serving::parse_ask(body, chat);
    if (ask && (ask->choices() < 1 || ask->choices() > stillwatch::serving::kChoicesMax)) std::abort();
  }
  return 0;
}
