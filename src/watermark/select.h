// Marking answers without touching the model: of several drafts of an answer, give the one whose keyed score is
// highest. One answer hides it, a thousand pooled tell it, and a student may inherit it.
//
// Score: over the distinct windows of a draft that the account was not given before, (S - mean U) / sqrt(variance U), S
// their score and U how many there are. (Never the plain count: it only picks the longest draft.) With n drafts the
// best of n standard normal variables is expected for each answer: 0.56, 1.03 and 1.42 for 2, 4 and 8. Drafts that are
// all the same, as at temperature 0, carry nothing: the sketch says how many differ.
//
// Thread rule: DraftSelector is const and reentrant; a GivenWindows belongs to one thread at a time.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "watermark/key.h"
#include "watermark/mark.h"
#include "watermark/sketch.h"

namespace stillwatch::watermark {

// The windows that an account, or a campaign, was given lately. Bounds: at least the last kMax / 2, at most the last
// kMax; what is forgotten is only scored again, which costs a little power.
class GivenWindows {
 public:
  static constexpr size_t kMax = 65'536;
  bool contains(uint32_t hash) const { return young_.contains(hash) || old_.contains(hash); }
  void insert(uint32_t hash);
  size_t size() const { return young_.size() + old_.size(); }

 private:
  FlatSet<uint32_t> young_;
  FlatSet<uint32_t> old_;
};

struct Selection {
  size_t chosen = 0;
  std::vector<double> scores;  // 0 for a draft without a new window
  DraftSketch sketch;          // of all drafts: for evidence
};

class DraftSelector {
 public:
  DraftSelector(const Key& key, const Mark& mark) : key_(key), mark_(mark) {}

  // The drafts continue `before`, which the account has, and begin the answer if it is empty. Remembers as given what
  // the chosen draft gives. REQUIRES: at least one draft. Of equal scores the first is chosen.
  Selection select(std::span<const std::string_view> drafts, GivenWindows& given, std::string_view before = {}) const;

  const Key& key() const { return key_; }
  const Mark& mark() const { return mark_; }

 private:
  Key key_;
  Mark mark_;
};

// An answer chosen sentence by sentence, where the upstream can continue a text: n drafts a sentence, and as much
// evidence in every sentence as whole answers have in all. Ask for drafts that continue text() until finished().
class SentenceSelector {
 public:
  SentenceSelector(const DraftSelector& selector, GivenWindows& given) : selector_(selector), given_(given) {}

  struct Draft {
    std::string_view text;
    bool finished = false;  // the model ended the answer here
  };
  // Appends the first sentence of the best draft; gives it.
  std::string_view add(std::span<const Draft> drafts);

  const std::string& text() const { return text_; }
  bool finished() const { return finished_; }
  const std::vector<Selection>& selections() const { return selections_; }  // one a sentence

 private:
  const DraftSelector& selector_;
  GivenWindows& given_;
  std::string text_;
  bool finished_ = false;
  std::vector<Selection> selections_;
};

}  // namespace stillwatch::watermark
