// Any bytes as a dataset, and as the marks of a template.
#include "model/chat.h"

#include <cstdlib>

namespace model = stillwatch::model;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto rows = model::read_dataset(bytes, "d")) {
    for (const model::Conversation& row : *rows) {
      if (row.empty() || row.size() > model::kMessagesMax) std::abort();
    }
  }
  if (const auto marks = model::ChatTemplate::from_json(bytes, "t")) {
    const auto again = model::ChatTemplate::from_json(marks->to_json(), "t");
    if (!again) std::abort();
  }
  return 0;
}
