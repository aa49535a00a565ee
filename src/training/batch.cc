#include "training/batch.h"

#include <algorithm>

namespace stillwatch::training {

void Batch::add(const model::Example& example, uint64_t row, int64_t context) {
  if (starts.empty()) starts.push_back(0);
  const size_t length = std::min(example.tokens.size(), static_cast<size_t>(context) + 1);
  if (length < 2) return;
  const uint32_t begin = starts.back();
  for (size_t i = 1; i < length; ++i) {
    if (example.scored[i]) {
      scored.push_back({begin + static_cast<uint32_t>(i) - 1, example.tokens[i], static_cast<uint32_t>(examples()),
                        static_cast<uint32_t>(i)});
    }
  }
  tokens.insert(tokens.end(), example.tokens.begin(), example.tokens.begin() + static_cast<std::ptrdiff_t>(length) - 1);
  starts.push_back(static_cast<uint32_t>(tokens.size()));
  rows.push_back(row);
}

std::vector<Batch> batches_of(std::span<const model::Example> examples, std::span<const uint64_t> which,
                              int64_t context, size_t tokens_max) {
  std::vector<Batch> batches;
  for (const uint64_t row : which) {
    const size_t length = std::min(examples[row].tokens.size(), static_cast<size_t>(context) + 1);
    if (length < 2) continue;
    if (batches.empty() || batches.back().tokens.size() + length - 1 > tokens_max) batches.emplace_back();
    batches.back().add(examples[row], row, context);
  }
  return batches;
}

}  // namespace stillwatch::training
