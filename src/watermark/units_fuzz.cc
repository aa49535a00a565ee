// Any bytes as text: words and sentences end where they should, and text cut at a space has the words of its parts.
#include <cstdlib>

#include "watermark/units.h"

namespace wm = stillwatch::watermark;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (wm::sentence_end(text) > size) std::abort();
  const auto words = wm::words_of(text);
  if (const size_t space = text.find(' '); space != text.npos) {
    auto parts = wm::words_of(text.substr(0, space));
    wm::append_words(text.substr(space), parts);
    if (parts != words) std::abort();
  }
  return 0;
}
