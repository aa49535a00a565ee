// Any bytes as the answer of an endpoint: read within bounds, or a failure that keeps them.
#include <cmath>
#include <cstdlib>

#include "net/chat_client.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto result = stillwatch::net::parse_chat_response(body);
  if (!result && result.error().body != body) std::abort();
  if (result && (result->choices.empty() || result->choices.size() > stillwatch::net::kChoicesMax)) std::abort();
  for (const auto& choice : result ? result->choices : std::vector<stillwatch::net::ChatChoice>()) {
    for (const auto& token : choice.logprobs) {
      if (!std::isfinite(token.logprob)) std::abort();
    }
  }
  return 0;
}
