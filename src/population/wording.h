// The words a simulation adds of its own: system prompts of bots, instructions of labelling jobs, frames that
// harvesters wrap around prompts, filler answers, names of models. All are the inside of a JSON string.
//
// Thread rule: pure functions of their stream.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"

namespace stillwatch::population {

std::string_view model_of(bool pivoted);
std::string bot_system_prompt(base::Random& random);
std::string labelling_instruction(base::Random& random);

// A frame with {} for the prompt; `which` is below kFrames.
std::string_view frame(size_t which);
constexpr size_t kFrames = 12;

std::string filler(size_t words, base::Random& random);

}  // namespace stillwatch::population
