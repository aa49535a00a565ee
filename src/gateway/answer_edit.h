// What a decision changes in an answer on its way to the client, one edit after the other: reasoning withheld or
// summarised, a canary put in, log-probabilities taken out. Private to the module.
//
// Reasoning and canaries are looked for in JSON, event streams and the results of batches only; what holds
// log-probabilities is searched whatever it is called. Thread rule: a value, one thread. Bounds: those of
// countermeasure/answer_stream.h.
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
  // `summarise`: a summary is to take the place of reasoning. `target`: of the request.
  AnswerEdit(uint8_t what, bool summarise, std::string canary, std::string_view content_type, std::string_view target);

  bool nothing() const { return !reasoning_ && !canary_ && !logprobs_; }
  // Appends to `out` what may go on.
  void pass(std::string_view bytes, std::string& out);
  void finish(std::string& out);
  // After pass() and finish(): a summary of this reasoning is awaited; resume() goes on with it, or with "" for none.
  const std::string* awaited() const {
    return reasoning_ && reasoning_->awaits_summary() ? &reasoning_->reasoning() : nullptr;
  }
  void resume(std::string_view summary, std::string& out);
  // What comes cannot be read, and nothing more of it passes.
  bool broken() const { return (reasoning_ && reasoning_->broken()) || (canary_ && canary_->broken()); }
  bool put_canary_in() const { return canary_ && canary_->inserted(); }

 private:
  void onward(std::string_view bytes, bool last, std::string& out);

  std::optional<countermeasure::ReasoningStripper> reasoning_;
  std::optional<countermeasure::CanaryInserter> canary_;
  std::optional<countermeasure::MemberStripper> logprobs_;
  bool ending_ = false;
  std::string after_reasoning_, after_canary_;
};

}  // namespace stillwatch::gateway
