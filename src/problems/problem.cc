#include "problems/problem.h"

#include <nlohmann/json.hpp>

#include "problems/story.h"

namespace stillwatch::problems {

Generator::Generator(uint64_t seed, Split split, int level_min, int level_max)
    : random_(base::Random(seed).fork(static_cast<uint64_t>(split))),
      split_(split),
      level_min_(level_min),
      level_max_(level_max) {}

Problem Generator::next() {
  const int level = level_min_ + static_cast<int>(random_.below(static_cast<uint64_t>(level_max_ - level_min_ + 1)));
  while (true) {
    const Structure structure = draw_structure(split_, level, random_);
    // Other numbers for the same structure first: else structures with divisions would be rare.
    for (int attempt = 0; attempt < 64; ++attempt) {
      if (auto problem = tell(structure, random_)) return std::move(*problem);
    }
  }
}

std::string to_row(const Problem& problem) {
  nlohmann::ordered_json row;
  row["messages"] = {{{"role", "user"}, {"content", problem.question}},
                     {{"role", "assistant"}, {"reasoning_content", problem.reasoning}, {"content", problem.answer}}};
  row["answer"] = problem.answer;
  row["structure"] = problem.structure;
  row["level"] = problem.level;
  return row.dump() + "\n";
}

}  // namespace stillwatch::problems
