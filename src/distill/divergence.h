// How far a student's distribution over the next token is from a teacher's, and the gradient by the student's logits.
//
// With p the teacher's distribution and q the student's:
//   forward KL   sum p log(p / q)            the student covers all that the teacher may say (Hinton et al. 2015)
//   reverse KL   sum q log(q / p)            it avoids what the teacher would not say (Gu et al. 2024, MiniLLM)
//   JSD(beta)    beta KL(p | m) + (1 - beta) KL(q | m),  m = beta p + (1 - beta) q   (Agarwal et al. 2024, GKD, eq. 1)
//
// Where only the teacher's largest probabilities are known, all other tokens are one outcome, whose probability is what
// is left to 1: the divergence of distributions over k + 1 outcomes, which never exceeds that over all tokens (the
// data-processing inequality) and is zero where the student agrees on what is known. Renormalising the k instead would
// pull the student towards saying nothing else. A temperature softens both sides and multiplies the loss by its square,
// which keeps gradients of one size (Hinton et al. 2015); it needs all tokens, for what the k + 1 outcomes would be at
// another temperature cannot be told.
//
// Thread rule: pure functions. Numerical: sums in double precision; a teacher's probability below kFloor counts as
// kFloor in ratios.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace stillwatch::distill {

constexpr double kFloor = 1e-9;

struct Divergence {
  enum class Kind : uint8_t { kForwardKl, kReverseKl, kJsd };
  Kind kind = Kind::kForwardKl;
  double beta = 0.5;  // of JSD, in (0, 1)
  double temperature = 1;
};

// The teacher's most probable tokens, each once, with their log-probabilities.
using TopTokens = std::vector<std::pair<int32_t, float>>;

// Both give the divergence and overwrite the student's logits by its gradient.
// REQUIRES: rows of equal size.
float diverge(const Divergence& divergence, std::span<const float> teacher_logits, std::span<float> student_logits);
// REQUIRES: the tokens are in the vocabulary; the temperature is 1.
float diverge(const Divergence& divergence, const TopTokens& teacher, std::span<float> student_logits);

}  // namespace stillwatch::distill
