// The windows of a collection of texts, each once: what the detector counts.
//
// Windows are distinct over the whole collection: a phrase that comes a hundred times is one trial, not a hundred
// (counted by answer, false positives at 1e-3 rise to several per cent). Windows that occur in a text's own prompt do
// not count for that text: it may have copied them. The first units of a text, which have no whole context, have no
// window. All of this is the same under every key, so that one collection can be held against as many keys as one
// likes.
//
// Thread rule: a value. Bounds: base::kWatermarkWindowsMax windows; what is beyond is counted and left out.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "watermark/flat_set.h"
#include "watermark/sketch.h"

namespace stillwatch::watermark {

class Windows {
 public:
  // `filter`, which must outlive this, null for all windows.
  explicit Windows(int context, const Filter* filter = nullptr) : context_(context), filter_(filter) {}

  void add(std::span<const Unit> text, std::span<const Unit> prompt = {});
  void add_text(std::string_view text, std::string_view prompt = {});
  // One window by itself: context and unit. REQUIRES: context + 1 units.
  void add_window(std::span<const Unit> window);

  struct Counts {
    uint64_t texts = 0;
    uint64_t units = 0;
    uint64_t repeated = 0;  // windows that the collection had already
    uint64_t prompted = 0;  // that occur in the text's prompt
    uint64_t filtered = 0;  // that the filter does not pass
    uint64_t beyond = 0;    // left out: the collection is full
    uint64_t quoting = 0;   // texts left out: their prompt repeats marked answers
  };
  const Counts& counts() const { return counts_; }
  int context() const { return context_; }
  size_t size() const { return units_.size() / stride(); }
  std::span<const Unit> operator[](size_t i) const { return std::span(units_).subspan(i * stride(), stride()); }

 private:
  size_t stride() const { return static_cast<size_t>(context_) + 1; }

  int context_;
  const Filter* filter_;
  Counts counts_;
  FlatSet<uint64_t> known_;
  FlatSet<uint64_t> in_prompt_;
  std::vector<Unit> units_;  // window after window
};

}  // namespace stillwatch::watermark
