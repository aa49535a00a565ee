// Words and figures as people read them on a terminal. Names come from logs and are hostile: what they become here is
// valid UTF-8 that moves no cursor, changes no direction of writing and hides nothing.
//
// Units: columns of a terminal, in which an East Asian wide character or an emoji takes two and a combining mark none.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "signals/evidence.h"

namespace stillwatch::report {

// `text` with a question mark for every byte or character that is not fit to be seen; what is longer than `columns`
// ends in "...". REQUIRES: columns >= 3.
std::string printable(std::string_view text, size_t columns);

// Columns that printable text takes.
size_t columns_of(std::string_view text);

// Infinities and what is not a number never reach a report.
double finite_or(double value, double otherwise);

// "0.012"; "<= 0.0005 (resolution)" where ranks cannot say less; "2e-07 (extrapolated)".
std::string p_value_text(const signals::Evidence& evidence);

// 812, 9,431, 14 k, 2.5 M, 1.0 G.
std::string amount_text(double value);

// JSON that may stand inside a script element of a page, where only `<` can do harm.
std::string harmless(std::string_view json);

// 94,311
std::string count_text(uint64_t value);

}  // namespace stillwatch::report
