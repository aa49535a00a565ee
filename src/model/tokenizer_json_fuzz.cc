// Any bytes as tokenizer.json: what is read encodes any text within bounds, and gives the bytes back where it holds all
// of them and changes no text.
#include <cstdlib>

#include "model/tokenizer.h"

namespace model = stillwatch::model;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto tokenizer = model::Tokenizer::from_json(bytes, "t.json");
  if (!tokenizer) return 0;
  std::vector<int32_t> tokens;
  for (const auto marks : {model::Marks::kText, model::Marks::kSpecial}) tokenizer->encode(bytes, marks, tokens);
  for (const int32_t t : tokens) {
    if (t < 0 || static_cast<size_t>(t) >= tokenizer->size()) std::abort();
  }
  tokenizer->decode(tokens);
  return 0;
}
