// Withholds a model's reasoning from an answer, or puts a summary in its place: what helps a distiller most
// (withholding it halved a student's accuracy on problems that need steps in published measurements) and what people
// miss least.
//
// Reasoning is `reasoning_content` and its spellings, thinking blocks, reasoning items, and what stands between <think>
// tags at the beginning of the visible answer. Its strings become empty, lists of it empty lists; blocks, events and
// their numbers stay, so that clients see an answer of the shape they know. Usage figures stay as the model server gave
// them: the tokens were made, and are billed. Signatures stay too, and no longer fit: a client that hands a withheld
// block back to the model is refused there by APIs that check them.
//
// The effect, for who relays the answer:
//
//   pass(bytes, out)                    // send `out`, even where it is empty
//   if (awaits_summary()) {             // only with `summarise`; bytes passed meanwhile are held
//     text = ...reasoning() shortened by a model, or "" if that fails or takes too long...
//     resume(text, out)                 // send `out`
//   }
//   finish(out)                         // the same once more: it may await a summary too
//
// Thread rule: a value, one thread. Bounds: those of AnswerStream, kReasoningBytesMax for the summary's source; while a
// summary is awaited the caller stops reading.
#pragma once

#include <string>
#include <string_view>

#include "countermeasure/answer_parts.h"
#include "countermeasure/answer_stream.h"

namespace stillwatch::countermeasure {

constexpr size_t kReasoningBytesMax = 256u << 10;  // the rest of a longer one is left out of the summary

class ReasoningStripper {
 public:
  enum class Of : uint8_t { kAnswer, kBatch };  // JSON lines, each of them an answer: no summaries
  explicit ReasoningStripper(bool summarise = false, Of of = Of::kAnswer)
      : summarise_(summarise && of == Of::kAnswer), stream_(of == Of::kBatch) {}

  void pass(std::string_view bytes, std::string& out);
  void finish(std::string& out);

  bool awaits_summary() const { return awaiting_; }
  const std::string& reasoning() const { return reasoning_; }
  // `summary` empty: withheld. REQUIRES: awaits_summary().
  void resume(std::string_view summary, std::string& out);

  bool broken() const { return stream_.broken(); }  // end the answer here

 private:
  enum class Think : uint8_t { kStart, kInside, kOver };
  void edit(AnswerEvent& event, bool document);
  void edit_whole(JsonText& json, const AnswerParts& parts);
  void await(AnswerEvent& event);
  std::string without_think(std::string_view text, bool last);
  std::string after_think(std::string_view text);
  void collect(std::string_view reasoning);
  std::string summary_event() const;

  bool summarise_;
  AnswerStream stream_;
  std::string reasoning_;
  std::string model_event_;  // the last event of reasoning, for its shape
  std::string model_event_name_;
  bool asked_ = false;  // for a summary, or there is nothing to summarise
  bool awaiting_ = false;
  std::string waiting_;  // events that came meanwhile, as they came
  std::string summary_;
  Think think_ = Think::kStart;
  std::string tag_;  // the end of the text so far, if it may be a part of a tag
};

}  // namespace stillwatch::countermeasure
