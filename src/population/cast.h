// The words and names that a simulation adds of its own: clients, networks, system prompts, instructions of labelling
// jobs, frames that harvesters wrap around prompts, code for agents to read, filler answers. All classes draw clients,
// networks and parameters from the same lists.
#pragma once

#include <string>

#include "base/random.h"

namespace stillwatch::population {

std::string client_of(base::Random& random);
std::string address_of(base::Random& random);                            // anywhere
std::string address_in(std::string_view network, base::Random& random);  // another host of the same /24
std::string model_of(uint64_t which);
std::string bot_system_prompt(base::Random& random);
std::string labelling_instruction(base::Random& random);
// A frame with {} for the prompt; which of them is the caller's choice.
std::string_view frame(size_t which);
constexpr size_t kFrames = 6;
std::string filler(size_t words, base::Random& random);

// A repository for a coding agent: names of its own.
struct Repository {
  explicit Repository(base::Random& random);
  std::string task(base::Random& random) const;
  std::string tool_result(base::Random& random) const;
  std::string names[24];
};

}  // namespace stillwatch::population
