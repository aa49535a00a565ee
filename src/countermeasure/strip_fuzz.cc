// A stream cut anywhere must be stripped like the whole, and a stream without the member must pass as it is. The first
// byte says how long the pieces are.
#include <cstdint>
#include <cstdlib>

#include "countermeasure/strip.h"

namespace {

std::string stripped(std::string_view bytes, size_t piece) {
  stillwatch::countermeasure::MemberStripper stripper("logprobs");
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += piece) stripper.pass(bytes.substr(at, piece), out);
  stripper.finish(out);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = stripped(bytes, bytes.size());
  if (whole != stripped(bytes, data[0] % 16 + 1u)) std::abort();
  if (bytes.find("\"logprobs\"") == bytes.npos && bytes.find('\\') == bytes.npos && whole != bytes) std::abort();
  return 0;
}
