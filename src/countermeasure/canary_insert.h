// Puts a canary into an answer: one sentence, as a paragraph of its own, between two paragraphs of a story.
//
// Only where the form allows it: the prompt asks for a story that is made up, and the answer so far is prose, without
// figures, lists, headings, code, markup or addresses. Nothing that could be a fact is touched, nothing that was there
// is changed. Answers without such a place stay as they are: canaries are to be rare. Which account is given which
// canary, and when, is decided outside (watermark/canary.h); what was inserted must be noted as evidence.
//
// Chat completions, messages and responses, whole or streamed. Streams of the responses API tell in `done` events again
// what deltas told: the sentence is put into those at the same place. Thread rule: a value, one thread. Bounds: those
// of AnswerStream; a canary comes within the first kTextBeforeMax bytes of an answer or not at all.
#pragma once

#include <string>
#include <string_view>

#include "countermeasure/answer_stream.h"

namespace stillwatch::countermeasure {

// In English: it asks to make up a story, and for nothing true.
bool asks_for_story(std::string_view prompt);

class CanaryInserter {
 public:
  explicit CanaryInserter(std::string sentence) : sentence_(std::move(sentence)) {}

  void pass(std::string_view bytes, std::string& out);
  void finish(std::string& out);
  bool inserted() const { return inserted_; }
  bool broken() const { return stream_.broken(); }

 private:
  static constexpr size_t kTextBeforeMax = 64 << 10;

  void edit(AnswerEvent& event);
  // The text, which goes on where the last one ended, with the sentence in it, if it has the place.
  std::string with_canary(std::string_view text);
  // The same of a text that deltas told before.
  std::string told_again(std::string_view text) const;
  void begin_text();
  void look_at(char c);

  AnswerStream stream_;
  std::string sentence_;
  std::string before_canary_;  // of the text, so far or up to the place
  bool inserted_ = false;
  bool tells_again_ = false;  // this stream does
  bool prose_ = true;         // so far
  size_t words_ = 0;
  int breaks_ = 2;  // line ends just before
  char before_ = '\n';
};

}  // namespace stillwatch::countermeasure
