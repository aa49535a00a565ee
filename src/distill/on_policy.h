// On-policy distillation: the student learns, from the teacher's distributions, on answers that it gave itself, so that
// it is corrected where it errs and not only shown what it never does (Agarwal et al. 2024, GKD, algorithm 1).
//
// Before each step a coin that shows heads with probability `share` decides whether the step learns from the student's
// own answers to the prompts of its rows, drawn with `temperature`, or from the rows as they are. Deterministic in
// seed, step and weights. Thread rule: one thread.
#pragma once

#include <functional>

#include "distill/answers.h"
#include "training/trainer.h"

namespace stillwatch::distill {

struct OnPolicySettings {
  double share = 0.5;  // lambda
  double temperature = 1;
  uint32_t tokens_max = 256;
  uint64_t seed = 1;
  unsigned threads = 1;
};

class OnPolicy {
 public:
  // Told of what a step is to learn from before it does: of its own answers, or of none where the rows count. Where the
  // teacher is asked about them, if it is not in this process.
  using Told = std::function<base::Result<void>(const std::vector<model::Example>* answers)>;

  // `examples` must outlive it: the trainer's.
  OnPolicy(OnPolicySettings settings, model::ChatTemplate marks, model::Tokenizer tokenizer,
           const std::vector<model::Example>& examples, Told told = {});

  // What training::Trainer::set_renew wants.
  base::Result<std::optional<std::vector<model::Example>>> renew(uint64_t step, std::span<const uint64_t> rows,
                                                                 training::Network& network);
  uint64_t tokens_made() const { return tokens_made_; }

 private:
  OnPolicySettings settings_;
  model::ChatTemplate marks_;
  model::Tokenizer tokenizer_;
  const std::vector<model::Example>& examples_;
  Told told_;
  uint64_t tokens_made_ = 0;
};

}  // namespace stillwatch::distill
