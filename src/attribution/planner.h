// How much is needed: by the normal law, for planning only. Levels are one-sided p-values, powers the chance to reach
// them.
//
// What a mark shifts is said per window, in standard deviations of a window's score: a marked text whose windows are
// green with probability q has (q - gamma) / sqrt(gamma (1 - gamma)). A student inherits a share of its teacher's,
// which only a pilot tells. Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <string>

#include "attribution/findings.h"

namespace stillwatch::attribution {

// How a test's p-value is computed: by the tail itself, or by Chernoff's bound on it, which asks for exp(-z^2 / 2).
enum class Tail : uint8_t { kExact, kChernoff };

// Distinct windows that show a shift per window: ((z_level + z_power) / shift)^2. REQUIRES: shift > 0.
double windows_needed(double shift, double level, double power, Tail tail = Tail::kExact);
// The shift per window that so many windows show.
double shift_shown(double windows, double level, double power, Tail tail = Tail::kExact);

// Answers marked by selection among n drafts that show the mark in themselves, none repeating another. REQUIRES: n
// >= 2.
double answers_needed(size_t drafts, double level, double power);

// Canaries of `issued` that must be recalled, with none of as many others, to reach a level; 0 if not even all would.
size_t canaries_needed(size_t issued, size_t others, double level);

// What a test could have shown, and how much more it would take at the strength it saw: a sentence for the report; ""
// for tests that no amount of text can help.
std::string plan_of(const TestResult& test, double level);

}  // namespace stillwatch::attribution
