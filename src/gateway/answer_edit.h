// What a decision changes in an answer on its way to the client, one edit after the other: reasoning withheld, a canary
// put in, log-probabilities taken out. Private to the module.
//
// Reasoning and canaries are looked for in JSON and event streams only; what holds log-probabilities is searched
// whatever it is called. Thread rule: a value, one thread. Bounds: those of countermeasure/answer_stream.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "countermeasure/canary_insert.h"
#include "countermeasure/reasoning.h"
#include "countermeasure/strip.h"
#include "verdict/policy.h"

namespace stillwatch::gateway {

class AnswerEdit {
 public:
  // `what`: bits of verdict::What. `canary`: a sentence, or "" for none.
  AnswerEdit(uint8_t what, std::string canary, std::string_view content_type);

  bool nothing() const { return !reasoning_ && !canary_ && !logprobs_; }
  // Appends to `out` what may go on.
  void pass(std::string_view bytes, std::string& out);
  void finish(std::string& out);
  // What comes cannot be read, and nothing more of it passes.
  bool broken() const { return (reasoning_ && reasoning_->broken()) || (canary_ && canary_->broken()); }
  bool put_canary_in() const { return canary_ && canary_->inserted(); }

 private:
  std::optional<countermeasure::ReasoningStripper> reasoning_;
  std::optional<countermeasure::CanaryInserter> canary_;
  std::optional<countermeasure::MemberStripper> logprobs_;
  std::string after_reasoning_, after_canary_;
};

}  // namespace stillwatch::gateway
