// Has an open model learnt from marked answers, seen by what it expects in texts that it reads (reading.h)? A student
// holds the windows that the mark favours a little more probable, whether or not it ever says them.
//
// Once by the likeliest unit of each place, each window one trial; once beside a reference, a model that never met the
// mark and read the same texts, each window weighing by how much more probable it is to the suspect (contrast.h): no
// chance of what was said is in that. The reference need not be the suspect's own base; the nearer it is, the more is
// seen. Null: what the suspect and the reference expect does not depend on the key, given what they read. So the texts
// must not depend on it: unmarked ones for the contrast, which sees how often each context comes; for the likeliest
// unit also texts that were marked token by token.
//
// Clean models are tested in the suspect's place, each by itself. Thread rule: pure functions.
#pragma once

#include <span>

#include "attribution/findings.h"
#include "attribution/reading.h"
#include "watermark/evidence.h"

namespace stillwatch::attribution {

// `reading` and, where drafts or contexts of the marked answers are known, `reading-filtered`. REQUIRES of both:
// key.id() == mark.key_id.
std::vector<TestResult> reading(const watermark::Key& key, const watermark::MarkEvidence& mark,
                                std::span<const Place> suspect, std::span<const ReadBy> clean, uint64_t wrong_keys);

// `reading-contrast` and `reading-contrast-filtered`.
std::vector<TestResult> reading_contrast(const watermark::Key& key, const watermark::MarkEvidence& mark,
                                         std::span<const Place> suspect, std::span<const Place> reference,
                                         std::span<const ReadBy> clean, uint64_t wrong_keys);

}  // namespace stillwatch::attribution
