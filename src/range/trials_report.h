// What came of the range's trials, for people and programs; docs/range.md has every key. The same trials give the same
// bytes. Thread rule: pure functions.
#pragma once

#include <string>

#include "range/ledger.h"

namespace stillwatch::range {

struct TrialResults {
  Json inheritance;           // null, or as run_inheritance gives it
  std::vector<Json> ladders;  // one a seed, as run_ladder gives them
  std::vector<Json> curves;   // one a seed, as run_curve gives them
};

std::string to_json(const TrialResults& results);      // one object, with its newline
std::string to_terminal(const TrialResults& results);  // tables
std::string to_html(const TrialResults& results);      // one page that needs nothing else
std::string to_svg(const TrialResults& results);       // the curves over exchanges

}  // namespace stillwatch::range
