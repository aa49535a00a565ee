// Any bytes as llama2.c's checkpoint and as its tokenizer.
#include "model/llama2c.h"

#include <cstdlib>

#include "model/tokenizer.h"

namespace model = stillwatch::model;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto read = model::read_llama2c(bytes, "c"); read && !model::fit(read->weights, read->config, "c")) std::abort();
  if (const auto tokenizer = model::Tokenizer::from_llama2c(bytes, 262, "t")) {
    std::vector<int32_t> tokens;
    tokenizer->encode(bytes, model::Marks::kText, tokens);
    if (tokenizer->decode(tokens) != bytes) std::abort();
  }
  return 0;
}
