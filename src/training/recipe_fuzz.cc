// Any bytes as a recipe of training.
#include "training/recipe.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto recipe = stillwatch::training::Recipe::parse({reinterpret_cast<const char*>(data), size}, "r");
  if (recipe && !recipe->shape.check("r")) std::abort();
  return 0;
}
