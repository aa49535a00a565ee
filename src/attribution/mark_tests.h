// What tests of a mark have in common: wrong keys, and the two sets of windows. Private to the module.
//
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "attribution/findings.h"
#include "watermark/embed.h"
#include "watermark/evidence.h"

namespace stillwatch::attribution {

// `log10_p_of(key)` under `count` keys that marked nothing, beside the suspect's own.
template <typename Log10P>
std::optional<WrongKeys> wrong_keys_of(uint64_t count, double log10_p, Log10P log10_p_of) {
  if (count == 0) return std::nullopt;
  WrongKeys w;
  w.count = count;
  for (uint64_t i = 0; i < count; ++i) {
    TestResult wrong;
    wrong.log10_p = log10_p_of(watermark::control_key(i));
    w.below_05 += wrong.p() <= 0.05;
    w.below_01 += wrong.p() <= 0.01;
    w.below_001 += wrong.p() <= 0.001;
    w.as_small += wrong.log10_p <= log10_p;
  }
  return w;
}

// The result of `test(filter)` for all windows and, where drafts of the marked answers are known, for theirs alone;
// `null` is that of the first.
template <typename Test>
std::vector<TestResult> with_and_without_filter(const watermark::MarkEvidence& mark, const std::string& name,
                                                std::string_view null, Test test) {
  std::vector<TestResult> results;
  for (const watermark::Filter* filter : {static_cast<const watermark::Filter*>(nullptr), &mark.filter}) {
    if (filter != nullptr && filter->size() == 0) continue;
    TestResult t = test(filter);
    t.test = filter == nullptr ? name : name + "-filtered";
    t.subject = mark.label;
    t.null = filter == nullptr ? null : "the same, in the windows that drafts of the marked answers have";
    results.push_back(std::move(t));
  }
  return results;
}

}  // namespace stillwatch::attribution
