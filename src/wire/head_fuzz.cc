// What is accepted, written again as it is passed on, must be accepted again and mean the same.
#include <cstdlib>

#include "wire/head.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace wire = stillwatch::wire;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t end = wire::find_head_end(bytes, 0);
  if (end == bytes.npos) return 0;
  for (size_t seen = 0; seen < end; ++seen) {
    if (wire::find_head_end(bytes.substr(0, seen), 0) != bytes.npos) std::abort();
    if (seen > end - 4 && wire::find_head_end(bytes, seen) != end) std::abort();
  }
  wire::ResponseHead response;
  (void)wire::parse_response(bytes.substr(0, end), "GET", response);
  wire::RequestHead first, second;
  if (!wire::parse_request(bytes.substr(0, end), first)) return 0;
  std::string again = std::string(first.method) + " " + std::string(first.target) + " HTTP/1." +
                      std::to_string(first.minor_version) + "\r\n";
  wire::append_end_to_end(first, again);
  if (first.framing == wire::Framing::kChunked) again += "Transfer-Encoding: chunked\r\n";
  again += "\r\n";
  if (!wire::parse_request(again, second) || second.framing != first.framing || second.length != first.length ||
      second.target != first.target)
    std::abort();
  return 0;
}
