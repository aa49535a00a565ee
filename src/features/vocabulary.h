// The word vectors that embeddings are sums of: rules/embedding.bin, compiled in (docs/embedding.md).
//
// A row is the vector of a word times its smooth inverse frequency (Arora, Liang and Ma 2017, equation 1): what
// everybody writes weighs next to nothing. Words are known by the low 32 bits of their token hash, so about one unknown
// word in a hundred thousand is taken for a known one: the same one on every machine.
//
// Thread rule: immutable after the first call, which takes some milliseconds.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "features/embedding.h"

namespace stillwatch::features {

class Vocabulary {
 public:
  static const Vocabulary& shipped();

  // kEmbeddingSize coordinates, or nullptr.
  const int8_t* row_of(uint64_t word_hash) const {
    const auto key = static_cast<uint32_t>(word_hash);
    for (uint32_t slot = key & kMask;; slot = (slot + 1) & kMask) {
      const Slot s = slots_[slot];
      if (s.row == kEmpty) return nullptr;
      if (s.tag == key >> 16) return rows_ + size_t{s.row} * kEmbeddingSize;
    }
  }
  // Root mean square of the coordinates of a rare word.
  int16_t rms() const { return rms_; }
  // Of the embeddings of ordinary prompts, in units of 1 / kEmbeddingScale.
  const Embedding& mean() const { return mean_; }

 private:
  static constexpr uint32_t kMask = 0xffff;  // more than twice as many slots as words
  static constexpr uint16_t kEmpty = 0xffff;
  struct Slot {
    uint16_t tag = 0;
    uint16_t row = kEmpty;
  };

  explicit Vocabulary(std::string_view file);

  std::vector<Slot> slots_;
  const int8_t* rows_ = nullptr;
  int16_t rms_ = 0;
  Embedding mean_{};
};

}  // namespace stillwatch::features
