// Losses of a student that learns from a teacher's distributions, to hand to training::Trainer.
//
// A position's loss is (1 - data_weight) D(teacher, student) + data_weight (-log q(the data's token)), with D as
// divergence.h has it. Thread rule: as training::Loss. Memory: LogitLoss keeps a batch's logits of the teacher,
// scored positions x vocabulary floats, at most kTeacherBytesMax.
#pragma once

#include <memory>
#include <vector>

#include "distill/divergence.h"
#include "training/network.h"

namespace stillwatch::distill {

constexpr size_t kTeacherBytesMax = size_t{2} << 30;

struct Blend {
  Divergence divergence{};
  double data_weight = 0;  // in [0, 1]
};

// The teacher is in this process and reads each batch. REQUIRES: both have the same vocabulary, and the teacher's
// context is no shorter than the student's.
class LogitLoss final : public training::Loss {
 public:
  LogitLoss(training::Network& teacher, Blend blend) : teacher_(teacher), blend_(blend) {}
  base::Result<void> prepare(const training::Batch& batch) override;
  float row(const training::Batch& batch, size_t index, std::span<float> logits) const override;

 private:
  training::Network& teacher_;
  Blend blend_;
  std::vector<float> logits_;  // [scored][vocabulary]
};

// Of one example, for each of its tokens what the teacher held probable there; empty where that is unknown.
using KnownTokens = std::vector<TopTokens>;

// The teacher's most probable tokens are known beforehand, of every row of the data. Where they are not, the data's
// token alone counts.
class TopLoss final : public training::Loss {
 public:
  TopLoss(const std::vector<KnownTokens>& known, Blend blend) : known_(&known), blend_(blend) {}
  // From here on batches are of other examples.
  void set_known(const std::vector<KnownTokens>& known) { known_ = &known; }
  float row(const training::Batch& batch, size_t index, std::span<float> logits) const override;

 private:
  const std::vector<KnownTokens>* known_;
  Blend blend_;
};

}  // namespace stillwatch::distill
