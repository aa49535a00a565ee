// A chunked body cut anywhere must read like the whole. The first byte says how long the pieces are.
#include <cstdlib>
#include <string>

#include "wire/body.h"

namespace {

namespace wire = stillwatch::wire;

struct Outcome {
  std::string payload;
  size_t consumed = 0;
  bool done = false;
  bool refused = false;
};

Outcome read(std::string_view bytes, size_t piece) {
  wire::Head head;
  head.framing = wire::Framing::kChunked;
  wire::BodyReader reader(head);
  Outcome out;
  while (!reader.done() && out.consumed < bytes.size()) {
    const auto step = reader.next(bytes.substr(out.consumed, piece));
    if (!step) {
      out.refused = true;
      return out;
    }
    out.payload += step->payload;
    out.consumed += step->consumed;
  }
  out.done = reader.done();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = read(bytes, bytes.size());
  const Outcome cut = read(bytes, data[0] % 16 + 1u);
  if (whole.refused != cut.refused || whole.done != cut.done) std::abort();
  if (!whole.refused && (whole.payload != cut.payload || whole.consumed != cut.consumed)) std::abort();
  return 0;
}
