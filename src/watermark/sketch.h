// What is remembered of marked answers, and the filters made of it: windows and contexts as 32-bit hashes that tell
// neither text nor key.
//
// A filter picks, of a suspect's windows, those that marked answers can have taught it. It is only fair if what is in
// it does not depend on the key. Windows of the *selected* drafts do depend on it: they were selected for being green,
// and an innocent that shares phrases with them then looks guilty (z of 3 to 5, which no wrong key shows). Windows of
// *all* drafts do not: each enters before its colour has decided anything. So a DraftSketch can only come from the
// selection itself, which saw all drafts, or from evidence that the selection wrote. Marks laid over tokens have no
// drafts; of these the contexts may be kept, for each enters before the colour of what follows it matters, and what
// follows may not.
//
// Thread rule: values. Bounds: 4 bytes a window.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "watermark/flat_set.h"
#include "watermark/mark.h"
#include "watermark/units.h"

namespace stillwatch::watermark {

// XXH3 of the units, little-endian: of a window for telling windows apart, its low half for sketches.
uint64_t hash_of(std::span<const Unit> units);

// Sorted distinct hashes, as little-endian bytes in evidence.
class HashList {
 public:
  std::span<const uint32_t> hashes() const { return hashes_; }
  void add(uint32_t hash) { hashes_.push_back(hash); }
  void settle();  // sorts; REQUIRED after adding
  std::string bytes() const;
  static base::Result<HashList> parse(std::string_view bytes);

 private:
  std::vector<uint32_t> hashes_;
};

// The windows of all drafts of one answer.
class DraftSketch {
 public:
  // In their words. Below 2 the answer carries no mark, and a filter takes nothing of it.
  size_t distinct_drafts() const { return distinct_drafts_; }
  const HashList& windows() const { return windows_; }
  // Another sentence of the same answer.
  void add(const DraftSketch& more);

 private:
  friend class DraftSelector;
  friend class EvidenceReader;
  size_t distinct_drafts_ = 0;
  HashList windows_;
};

// The contexts of an answer that was marked token by token.
class ContextSketch {
 public:
  ContextSketch() = default;
  ContextSketch(int context, std::span<const Unit> answer);
  const HashList& contexts() const { return contexts_; }

 private:
  friend class EvidenceReader;
  HashList contexts_;
};

class Filter {
 public:
  void add(const DraftSketch& sketch);
  void add(const ContextSketch& sketch);
  bool passes(std::span<const Unit> window) const;
  // True if a prompt repeats a stretch of drafts: an answer to it may continue what was selected, and says nothing.
  // (Marks of tokens do not look ahead, so there it does not matter.)
  bool quoted_in(std::span<const Unit> prompt, int context) const;
  size_t size() const { return windows_.size() + contexts_.size(); }

 private:
  FlatSet<uint32_t> windows_;
  FlatSet<uint32_t> contexts_;
};

}  // namespace stillwatch::watermark
