// The accounts of the benchmark: every benign class, honest ones with long answers among them, and harvesters that keep
// office hours, use no template and get answers as long as people get.
#pragma once

#include <string>
#include <vector>

#include "population/config.h"

namespace stillwatch::bench {

constexpr uint32_t kParts = 3;  // disjoint parts of every benign source: fit, ranks, test

struct Class {
  std::string name;
  population::Class kind;
  population::AnswerLength answers;
};
const std::vector<Class>& benign_classes();

// `globs` filters sources by licence; empty: all.
std::vector<population::Group> benign_groups(uint32_t part, uint32_t people, uint32_t others,
                                             const std::vector<std::string>& globs);

population::Group harvest(const std::string& source, double cover, double exchanges, uint32_t accounts, uint32_t part,
                          population::Rhythm rhythm);

}  // namespace stillwatch::bench
