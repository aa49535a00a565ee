#include "problems/answer.h"

#include <algorithm>

namespace stillwatch::problems {
namespace {

constexpr size_t kTailMax = 4096;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::string last_number(std::string_view text) {
  text.remove_prefix(text.size() - std::min(text.size(), kTailMax));
  const auto digit_at = [&](size_t i) { return i < text.size() && is_digit(text[i]); };
  const auto last = std::find_if(text.rbegin(), text.rend(), is_digit);
  if (last == text.rend()) return {};
  const size_t end = static_cast<size_t>(text.rend() - last);
  size_t begin = end - 1;
  // Points and commas belong to it where digits surround them.
  while (begin > 0 && (digit_at(begin - 1) ||
                       ((text[begin - 1] == '.' || text[begin - 1] == ',') && begin > 1 && digit_at(begin - 2)))) {
    --begin;
  }
  // "1.2.3" and "3, 4" are no single number: what stands after the last comma or point that cannot be of one.
  std::string whole, fraction;
  size_t at = end;
  while (at > begin && is_digit(text[at - 1])) --at;
  if (at > begin && text[at - 1] == '.') {
    fraction = text.substr(at, end - at);
    size_t before = --at;
    while (before > begin && is_digit(text[before - 1])) --before;
    whole = text.substr(before, at - before);
    at = before;
  } else {
    whole = text.substr(at, end - at);
  }
  while (at > begin && text[at - 1] == ',' && whole.size() >= 3) {
    size_t before = at - 1;
    while (before > begin && is_digit(text[before - 1])) --before;
    const size_t digits = at - 1 - before;
    if (digits == 0 || digits > 3) break;
    whole.insert(0, text.substr(before, digits));
    at = before;
    if (digits < 3) break;
  }
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size() - 1));
  fraction.erase(fraction.find_last_not_of('0') + 1);
  const bool zero = whole == "0" && fraction.empty();
  const bool negative = at > 0 && text[at - 1] == '-' && (at < 2 || !is_digit(text[at - 2])) && !zero;
  return (negative ? "-" : "") + whole + (fraction.empty() ? "" : "." + fraction);
}

}  // namespace stillwatch::problems
