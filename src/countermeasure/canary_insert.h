// Puts a canary into an answer: one sentence, as a paragraph of its own, between two paragraphs of a story.
//
// Only where the form allows it: the prompt asks for a story that is made up, and the answer so far is prose, without
// figures, lists, headings, code, markup or addresses. Nothing that could be a fact is touched, nothing that was there
// is changed. Answers without such a place stay as they are: canaries are to be rare. Which account is given which
// canary, and when, is decided outside (watermark/canary.h); what was inserted must be noted as evidence.
//
// Chat completions and messages, whole or streamed; streams of the responses API, which say everything twice, pass
// unchanged. Thread rule: a value, one thread. Bounds: those of AnswerStream.
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
  void edit(AnswerEvent& event);
  // The text with the sentence in it, if it has the place.
  std::string with_canary(std::string_view text);
  void look_at(char c);

  AnswerStream stream_;
  std::string sentence_;
  bool inserted_ = false;
  bool prose_ = true;  // so far
  size_t words_ = 0;
  int breaks_ = 2;  // line ends just before
  char before_ = '\n';
};

}  // namespace stillwatch::countermeasure
