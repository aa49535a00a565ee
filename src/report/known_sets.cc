#include "report/known_sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/text.h"

namespace stillwatch::report {
namespace {

constexpr KnownSet kSets[] = {
    {"s1K", 1000, "https://arxiv.org/abs/2501.19393"},
    {"Stanford Alpaca", 52'002, "https://github.com/tatsu-lab/stanford_alpaca"},
    {"Vicuna", 70'000, "https://lmsys.org/blog/2023-03-30-vicuna/"},
    {"DeepSeek-R1's distilled models", 800'000, "https://arxiv.org/abs/2501.12948"},
    {"OpenOrca", 4'200'000, "https://huggingface.co/datasets/Open-Orca/OpenOrca"},
    {"the three campaigns published in February 2026", 16'000'000,
     "https://www.anthropic.com/news/detecting-and-preventing-distillation-attacks"},
};

}  // namespace

const KnownSet& nearest_known_set(double examples) {
  const double wanted = std::log(std::max(1.0, examples));
  return *std::min_element(std::begin(kSets), std::end(kSets), [&](const KnownSet& a, const KnownSet& b) {
    return std::abs(std::log(static_cast<double>(a.examples)) - wanted) <
           std::abs(std::log(static_cast<double>(b.examples)) - wanted);
  });
}

std::string beside_known_set(double examples) {
  const KnownSet& set = nearest_known_set(examples);
  const double times = finite_or(examples, 0) / static_cast<double>(set.examples);
  return fmt::format("about {} {} ({} examples)",
                     times < 0.95 ? fmt::format("{:.2g} % of", 100 * times) : fmt::format("{:.2g} times", times),
                     set.name, count_text(set.examples));
}

}  // namespace stillwatch::report
