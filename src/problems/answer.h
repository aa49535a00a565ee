// Whether an answer in words says the number that was asked for: its last number decides. "288", "288 coins.",
// "The answer is 1,288.0" and "#### 288" are all read. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace stillwatch::problems {

// The last number of `text` in plain form: no commas between thousands, no zeros that change nothing. "" if it has
// none in its last 4 KiB.
std::string last_number(std::string_view text);

inline bool says(std::string_view text, std::string_view answer) {
  const std::string number = last_number(text);
  return !number.empty() && number == last_number(answer);
}

}  // namespace stillwatch::problems
