#include "gateway/answer_edit.h"

namespace stillwatch::gateway {

AnswerEdit::AnswerEdit(uint8_t what, std::string canary, std::string_view content_type) {
  const bool readable = content_type.starts_with("application/json") || content_type.starts_with("text/event-stream");
  if (readable && (what & verdict::kReasoning) != 0) reasoning_.emplace();
  if (readable && !canary.empty()) canary_.emplace(std::move(canary));
  if ((what & verdict::kLogprobs) != 0) logprobs_.emplace("logprobs");
}

void AnswerEdit::pass(std::string_view bytes, std::string& out) {
  after_reasoning_.clear();
  after_canary_.clear();
  if (reasoning_) reasoning_->pass(bytes, after_reasoning_);
  const std::string_view first = reasoning_ ? after_reasoning_ : bytes;
  if (canary_) canary_->pass(first, after_canary_);
  const std::string_view second = canary_ ? after_canary_ : first;
  if (logprobs_) {
    logprobs_->pass(second, out);
  } else {
    out += second;
  }
}

// What an edit held back goes through those behind it.
void AnswerEdit::finish(std::string& out) {
  after_reasoning_.clear();
  after_canary_.clear();
  if (reasoning_) reasoning_->finish(after_reasoning_);
  if (canary_) {
    canary_->pass(after_reasoning_, after_canary_);
    canary_->finish(after_canary_);
  }
  const std::string& last = canary_ ? after_canary_ : after_reasoning_;
  if (logprobs_) {
    logprobs_->pass(last, out);
    logprobs_->finish(out);
  } else {
    out += last;
  }
}

}  // namespace stillwatch::gateway
