// Does a suspect answer like a parent, more than chance and more than others do? Needs no mark and no evidence, only
// answers of the suspect, of the parent and of control models to the same prompts. After Nikolic, Baluta and Saxena
// 2025
// ("Model provenance testing for large language models"), who compare next tokens; here it is openings of whole
// answers.
//
// Agreement of two answers: the cosine of their sets of word pairs in the first 32 words, pairs of the prompt left out.
// For each pair of controls c, d and each prompt the suspect s and the parent p give
//   (agreement(s, p) - agreement(s, c)) - (agreement(d, p) - agreement(d, c)),
// in which what makes p easy to agree with, and s agreeable, cancels. A sign test over prompts; the p-value is the
// largest over pairs of controls, so every one of them must be beaten. Null: for some pair of controls this is as often
// negative as positive, prompt by prompt, independently.
//
// Supporting evidence only: shared ancestors, shared training data and a shared house style do it too, and it cannot
// say who learnt from whom. REQUIRES two controls at least. Thread rule: pure functions.
#pragma once

#include <span>

#include "attribution/findings.h"

namespace stillwatch::attribution {

// Answers to the prompts that all have, matched by the prompt's text. Fails if there are fewer than two controls, or no
// such prompt.
base::Result<TestResult> provenance(std::span<const Sample> suspect, const Model& parent,
                                    std::span<const Model> controls);

}  // namespace stillwatch::attribution
