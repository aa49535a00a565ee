// What came of a closed loop, for people and programs. docs/range.md has every key. The same loop gives the same bytes.
#pragma once

#include <string>

#include "range/range.h"

namespace stillwatch::range {

std::string to_json(const Loop& loop);      // one object, with its newline
std::string to_terminal(const Loop& loop);  // a table and two sentences
std::string to_html(const Loop& loop);      // one page that needs nothing else

// Of what `student` gained over the untaught one, beside what the undefended one gained: 1 if no less. 0 where the
// undefended one gained nothing.
double share_of_gain(const Loop& loop, const Student& student);

}  // namespace stillwatch::range
