#include "problems/working.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace stillwatch::problems {
namespace {

// 285 is 200, 80 and 5.
std::vector<int> places_of(int n) {
  std::vector<int> places;
  for (int place = 1000; place >= 1; place /= 10) {
    if (n / place % 10 != 0) places.push_back(n / place % 10 * place);
  }
  return places;
}

std::string sum_by_places(int a, char sign, int b) {
  std::string out = fmt::format("{}{}{}", a, sign, b);
  for (const int place : places_of(b)) {
    a += sign == '+' ? place : -place;
    b -= place;
    out += b > 0 ? fmt::format("={}{}{}", a, sign, b) : fmt::format("={}", a);
  }
  return out;
}

std::string product_by_places(int a, int b) {
  std::string out = fmt::format("{}*{}", a, b);
  std::vector<int> places = places_of(a);
  if (places.size() == 1) {
    places = places_of(b);
    std::swap(a, b);
  } else if (places_of(b).size() > 1) {
    return fmt::format("{}={}", out, a * b);
  }
  for (int& place : places) place *= b;
  int sum = 0;
  for (size_t i = 0; i < places.size(); ++i) {
    sum += places[i];
    out += fmt::format("={}", sum);
    if (i + 1 == places.size()) break;
    for (size_t rest = i + 1; rest < places.size(); ++rest) out += fmt::format("+{}", places[rest]);
  }
  return out;
}

std::string quotient_by_places(int a, int b) {
  std::string out = fmt::format("{}/{}", a, b);
  int quotient = 0;
  for (int place = 1000; place >= 1; place /= 10) {
    const int part = a / (b * place) * place;
    if (part == 0) continue;
    quotient += part;
    a -= part * b;
    out += a > 0 ? fmt::format("={}+{}/{}", quotient, a, b) : fmt::format("={}", quotient);
  }
  return out;
}

}  // namespace

std::string worked(int a, char sign, int b) {
  if (sign == '*') return product_by_places(a, b);
  if (sign == '/') return quotient_by_places(a, b);
  return sum_by_places(a, sign, b);
}

}  // namespace stillwatch::problems
