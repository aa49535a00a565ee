// Where an answer says what, in every shape it comes in: chat completions and completions, responses (OpenAI) and
// messages (Anthropic), whole, as events of a stream or as lines of a batch's results. The one place of this module
// that knows these shapes.
//
// Thread rule: pure functions.
#pragma once

#include <vector>

#include "countermeasure/json_text.h"

namespace stillwatch::countermeasure {

struct AnswerParts {
  std::vector<JsonText::Node> reasoning;  // strings to be read
  std::vector<JsonText::Node> opaque;     // reasoning that nobody can read, and lists of such: `reasoning_details`
  std::vector<JsonText::Node> text;       // strings of the visible answer, of its first choice
  bool delta = false;                     // a piece of a stream, to be joined to those before
  bool reasoning_ended = false;           // a stream's block of reasoning is over
  bool ended = false;                     // the visible answer is over: a finish reason, the last event
  bool again = false;                     // tells what deltas told before (a `done` event): text is not to be joined
};

AnswerParts parts_of(const JsonText& json);

}  // namespace stillwatch::countermeasure
