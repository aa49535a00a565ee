// Kinds of request that distillation is made of, and two that it lacks, told by short phrases in many languages.
// A kind is a hint of weight one signal, never a verdict: phrases are easy to drop, which is why most signals do not
// read them. The phrases are in kinds.cc; `*` stands for any one word. Matching is by words, so case, punctuation and
// line breaks do not matter.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "features/tokens.h"

namespace stillwatch::features {

enum class Kind : uint8_t {
  kReasoning,    // asks to see the reasoning
  kGrading,      // asks for a score, a comparison or a rubric
  kGeneration,   // asks for data: questions, examples, instructions
  kPersona,      // gives the model a part to play
  kTrajectory,   // asks for or continues thought / action / observation traces
  kProbing,      // asks for rules, limits, the system prompt
  kInstruction,  // begins with an imperative verb
  kPersonal,     // speaks of the writer: I, my, ...
  kFollowUp,     // leans on what was said before: thanks, go on, try again
};
constexpr int kKinds = 9;

std::string_view name_of(Kind kind);

// Bits by Kind.
uint32_t kinds_of(std::span<const Token> tokens);

// Every phrase of the rules, for the test that nothing shipped was written to match them.
struct Rule {
  Kind kind;
  std::string_view phrase;
};
std::span<const Rule> rules();

}  // namespace stillwatch::features
