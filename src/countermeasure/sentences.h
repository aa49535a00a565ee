// An answer that is asked for sentence by sentence, of an upstream that continues what the assistant began: several
// drafts of each sentence, of which the one that carries most goes on. So every sentence carries as much as a whole
// answer of as many drafts does.
//
//   Sentences sentences(request, n, kind);
//   if (!sentences.possible()) give the best of whole drafts instead (drafts.h)
//   while (!sentences.finished()) {
//     bodies = ...the upstream's answers to all of sentences.requests(), those that failed left out...
//     if (!sentences.add(bodies, selector)) relay as ever;   // and count why
//     to a client that streams, what text() has more      // AnswerEvents of to_stream.h
//   }
//   given = sentences.given();
//
// The answer so far is the assistant's last message: messages (Anthropic) continue one by themselves, chat completions
// where the upstream knows `continue_final_message` (vLLM and others). What is given has the shape of the first
// sentence's answer, the text of all, and the reason of the last one for its end. Its usage is estimated: of each draft
// the share by bytes that was taken. What cannot be marked is what drafts.h says; and a request that begins the answer
// by itself, and answers with reasoning, cannot be asked for by sentences.
//
// Thread rule: one at a time. Bounds: kSentencesMax sentences of kSentenceTokensMax tokens; what is longer goes on with
// the next one.
#pragma once

#include <optional>

#include "countermeasure/drafts.h"

namespace stillwatch::countermeasure {

constexpr size_t kSentencesMax = 64;
constexpr double kSentenceTokensMax = 96;

enum class AnswerKind : uint8_t { kChatCompletions, kMessages };

class Sentences {
 public:
  // REQUIRES: as plan_drafts.
  Sentences(std::string_view request, size_t n, AnswerKind kind);

  bool possible() const { return possible_; }
  const DraftPlan& plan() const { return plan_; }

  std::vector<std::string> requests() const;
  // False if none of the bodies is a draft of the next sentence.
  bool add(std::span<const std::string> bodies, watermark::SentenceSelector& selector);
  bool finished() const { return !reason_.empty(); }
  bool begun() const { return !first_.empty(); }
  const std::string& text() const { return text_; }  // so far
  // REQUIRES: begun(). Of one that is not finished: as far as it came, as if there had been no more room.
  GivenDraft given() const;

 private:
  double tokens_left() const;
  std::string no_room() const;  // the reason, as the upstream says it

  const AnswerKind kind_;
  DraftPlan plan_;
  bool possible_ = false;
  std::string limit_key_;
  std::optional<double> limit_;  // of the answer's tokens
  std::string first_;            // the body of the first sentence
  std::string text_;
  std::string reason_;  // for the end, as the upstream says it
  size_t sentences_ = 0;
  double tokens_ = 0;  // of the text
  GivenDraft given_;
};

}  // namespace stillwatch::countermeasure
