// What the range's reports have in common. Private to the module. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "distill/exam.h"
#include "range/ledger.h"

namespace stillwatch::range {

Json tally_json(const distill::Tally& tally);
std::string percent_text(double share, const stats::Interval& interval);  // 12.2 % (9.6 to 15.4)
std::string percent_text(const distill::Tally& tally);

// A page that needs nothing else and may fetch nothing. `style`: besides what all have. The rest is HTML.
std::string page(std::string_view heading, std::string_view width, std::string_view style, std::string_view body);

}  // namespace stillwatch::range
