#include "gateway/answer_edit.h"

#include "gateway/targets.h"
#include "wire/head.h"

namespace stillwatch::gateway {

AnswerEdit::AnswerEdit(uint8_t what, bool summarise, std::string canary, std::string_view content_type,
                       std::string_view target) {
  using countermeasure::ReasoningStripper;
  const bool batch = gives_batch(wire::path_of(target));
  const bool readable = content_type.starts_with("application/json") || content_type.starts_with("text/event-stream");
  if ((readable || batch) && (what & verdict::kReasoning) != 0)
    reasoning_.emplace(summarise, batch ? ReasoningStripper::Of::kBatch : ReasoningStripper::Of::kAnswer);
  if (readable && !canary.empty()) canary_.emplace(std::move(canary));
  if ((what & verdict::kLogprobs) != 0) logprobs_.emplace("logprobs");
}

// Through the edits behind the first; what one of them held back at the end goes through the next.
void AnswerEdit::onward(std::string_view bytes, bool last, std::string& out) {
  if (canary_) {
    after_canary_.clear();
    canary_->pass(bytes, after_canary_);
    if (last) canary_->finish(after_canary_);
    bytes = after_canary_;
  }
  if (!logprobs_) {
    out += bytes;
    return;
  }
  logprobs_->pass(bytes, out);
  if (last) logprobs_->finish(out);
}

void AnswerEdit::pass(std::string_view bytes, std::string& out) {
  if (!reasoning_) return onward(bytes, false, out);
  after_reasoning_.clear();
  reasoning_->pass(bytes, after_reasoning_);
  onward(after_reasoning_, false, out);
}

void AnswerEdit::finish(std::string& out) {
  ending_ = true;
  after_reasoning_.clear();
  if (reasoning_) reasoning_->finish(after_reasoning_);
  onward(after_reasoning_, awaited() == nullptr, out);
}

void AnswerEdit::resume(std::string_view summary, std::string& out) {
  after_reasoning_.clear();
  reasoning_->resume(summary, after_reasoning_);
  onward(after_reasoning_, ending_, out);
}

}  // namespace stillwatch::gateway
