// The same effect sentence by sentence, where the upstream continues an answer that has begun: every sentence is the
// best of n, and carries as much as whole answers otherwise do (watermark/select.h). Chat completions of servers that
// know `continue_final_message` (vLLM, SGLang).
//
//   SentenceDrafts drafts(request, n, selector, given);
//   while (!drafts.finished()) {
//     bodies = ...the upstream's answers to all of drafts.requests(), those that failed left out...
//     if (!drafts.take(bodies)) break;      // the upstream fails: what there is, is given
//     send drafts.added() if the client streams
//   }
//   drafts.result() is an answer like any other; its selection's sketch holds all sentences' drafts, for evidence
//
// Usage is the given text's share of what was made, by bytes: estimated. Thread rule: a value, one thread. Bounds:
// kSentencesMax sentences.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "countermeasure/drafts.h"

namespace stillwatch::countermeasure {

constexpr size_t kSentencesMax = 200;

class SentenceDrafts {
 public:
  // REQUIRES: plan_drafts(request, ...) has no why_not; selector and given outlive this.
  SentenceDrafts(std::string request, size_t n, const watermark::DraftSelector& selector,
                 watermark::GivenWindows& given)
      : request_(std::move(request)), n_(n), selector_(selector, given) {}

  std::vector<std::string> requests() const;
  base::Result<void> take(std::span<const std::string> bodies);
  bool finished() const { return finished_; }
  std::string_view added() const { return added_; }  // by the last take()

  // REQUIRES: take() has succeeded once. Of the selection only the sketch is the whole answer's.
  GivenDraft result() const;
  const std::vector<watermark::Selection>& selections() const { return selector_.selections(); }

 private:
  std::string request_;
  size_t n_;
  watermark::SentenceSelector selector_;
  bool finished_ = false;
  std::string added_;
  std::string body_;  // the last one chosen, for its shape
  uint64_t made_ = 0;
  double given_ = 0;
};

}  // namespace stillwatch::countermeasure
