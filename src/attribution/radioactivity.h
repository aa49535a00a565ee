// Has a suspect learnt from marked answers, seen only through what it says? A student inherits a mark's bias (Sander et
// al. 2024, "Watermarking makes language models radioactive", closed model): its own texts are tested for the key.
//
// Twice: all windows (unsupervised), and those that the marked answers can have taught (the evidence's filter). Null:
// the suspect's texts do not depend on the key, given their prompts. Prompts must not come out of marked answers; those
// that quote them are left out and counted. Thread rule: pure functions.
#pragma once

#include <span>

#include "attribution/findings.h"
#include "watermark/evidence.h"
#include "watermark/windows.h"

namespace stillwatch::attribution {

// The windows of samples as the mark has units of: words of the answers, or their tokens.
watermark::Windows windows_of(std::span<const Sample> samples, const watermark::MarkEvidence& mark,
                              const watermark::Filter* filter);

// The test itself, on windows however they came: with `wrong_keys` keys that marked nothing. Fills p, figures,
// controls.
TestResult test_windows(const watermark::Key& key, const watermark::Mark& mark, const watermark::Windows& windows,
                        uint64_t wrong_keys);

// One result for all windows and one for the filtered. REQUIRES: key.id() == mark.key_id.
std::vector<TestResult> radioactivity(const watermark::Key& key, const watermark::MarkEvidence& mark,
                                      std::span<const Sample> suspect, std::span<const Model> clean,
                                      uint64_t wrong_keys);

}  // namespace stillwatch::attribution
