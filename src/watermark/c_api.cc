#include <algorithm>
#include <new>

#include "watermark/detect.h"
#include "watermark/embed.h"
#include "watermark/stillwatch_watermark.h"

using stillwatch::base::Result;
namespace wm = stillwatch::watermark;

// Nothing may be thrown into C: the only thing that could be is a lack of memory.
struct stillwatch_mark {
  wm::Key key;
  wm::Mark mark;
  wm::Embedder embedder;
  wm::Windows windows;
};

namespace {

void tell(std::string_view what, char* error, size_t error_size) {
  if (error == nullptr || error_size == 0) return;
  const size_t n = std::min(what.size(), error_size - 1);
  std::copy_n(what.data(), n, error);
  error[n] = '\0';
}

}  // namespace

extern "C" {

stillwatch_mark_options stillwatch_mark_defaults(void) {
  const wm::Mark m;
  return {STILLWATCH_GREEN, m.context, m.gamma, m.delta, m.layers};
}

stillwatch_mark* stillwatch_mark_new(const uint8_t master[32], const char* label, stillwatch_mark_options options,
                                     char* error, size_t error_size) {
  if (master == nullptr || label == nullptr || options.scheme < STILLWATCH_GREEN ||
      options.scheme > STILLWATCH_TOURNAMENT) {
    tell("a mark needs a master key, a label and one of three schemes", error, error_size);
    return nullptr;
  }
  const wm::Mark mark{static_cast<wm::Scheme>(options.scheme), options.context, options.gamma, options.delta,
                      options.layers};
  if (const Result<void> ok = mark.check(); !ok) {
    tell(ok.error().message, error, error_size);
    return nullptr;
  }
  const wm::Key key = wm::MasterKey(std::span<const uint8_t, wm::MasterKey::kBytes>(master, 32)).derive(label);
  auto* made = new (std::nothrow) stillwatch_mark{key, mark, wm::Embedder(key, mark), wm::Windows(mark.context)};
  if (made == nullptr) tell("no memory", error, error_size);
  return made;
}

void stillwatch_mark_free(stillwatch_mark* mark) {
  delete mark;
}

void stillwatch_mark_restart(stillwatch_mark* mark) {
  mark->embedder.restart();
}

void stillwatch_mark_apply(stillwatch_mark* mark, const int32_t* tokens, size_t token_count, const int32_t* ids,
                           float* logits, size_t count) {
  try {
    const std::span<const int32_t> before(tokens, token_count);
    if (ids == nullptr) {
      mark->embedder.apply(before, {logits, count});
    } else {
      mark->embedder.apply(before, {ids, count}, {logits, count});
    }
  } catch (const std::bad_alloc&) {  // the text goes on unmarked here
  }
}

int stillwatch_mark_add_text(stillwatch_mark* mark, const int32_t* tokens, size_t token_count) {
  try {
    mark->windows.add(wm::units_of({tokens, token_count}));
    return 0;
  } catch (const std::bad_alloc&) {
    return -1;
  }
}

stillwatch_detection stillwatch_mark_detect(const stillwatch_mark* mark) {
  const wm::Detection d = wm::detect(mark->key, mark->mark, mark->windows);
  return {d.windows, d.score, d.z, d.log10_p};
}

}  // extern "C"
