// Any bytes as a file of problems.
#include "distill/exam.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kCount = 8;
  namespace distill = stillwatch::distill;
  const auto questions = distill::read_questions({reinterpret_cast<const char*>(data), size}, "q", kCount);
  if (!questions) return 0;
  if (questions->empty() || questions->size() > kCount) std::abort();
  for (const distill::Question& q : *questions) {
    if (q.asked.empty() || q.asked.back().role == stillwatch::model::Role::kAssistant) std::abort();
  }
  return 0;
}
