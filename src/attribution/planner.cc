#include "attribution/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "stats/hypergeometric.h"
#include "stats/normal.h"

namespace stillwatch::attribution {
namespace {

// What reaches a level.
double deviations(double level, Tail tail) {
  return tail == Tail::kExact ? stats::normal_quantile(1 - level) : std::sqrt(-2 * std::log(level));
}

}  // namespace

double windows_needed(double shift, double level, double power, Tail tail) {
  const double z = deviations(level, tail) + stats::normal_quantile(power);
  return std::ceil(z * z / (shift * shift));
}

double shift_shown(double windows, double level, double power, Tail tail) {
  return (deviations(level, tail) + stats::normal_quantile(power)) / std::sqrt(windows);
}

// q answers have a z of about q mean / sqrt(q), with the deviation of the largest of n.
double answers_needed(size_t drafts, double level, double power) {
  const stats::Largest largest = stats::largest_of(drafts);
  const double root =
      (stats::normal_quantile(1 - level) + stats::normal_quantile(power) * largest.deviation) / largest.mean;
  return std::ceil(root * root);
}

size_t canaries_needed(size_t issued, size_t others, double level) {
  for (size_t recalled = 1; recalled <= issued; ++recalled) {
    if (stats::log_hypergeometric_tail(recalled, issued + others, issued, recalled) <= std::log(level)) return recalled;
  }
  return 0;
}

std::string plan_of(const TestResult& test, double level) {
  constexpr double kPower = 0.9;
  const auto figure = [&](std::string_view name) {
    const auto it =
        std::find_if(test.figures.begin(), test.figures.end(), [&](const Figure& f) { return f.name == name; });
    return it != test.figures.end() ? it->value : 0;
  };
  if (test.test == "canaries") {
    const double others = figure("asked") - figure("issued");
    const size_t needed = canaries_needed(static_cast<size_t>(figure("issued")), static_cast<size_t>(others), level);
    if (needed == 0)
      return fmt::format("canaries ({}): too few were issued, or asked for, to reach {} at all", test.subject, level);
    return fmt::format(
        "canaries ({}): {} of the {:.0f} issued must be recalled, and none of the {:.0f} others, to reach {}",
        test.subject, needed, figure("issued"), others, level);
  }
  const double windows = figure("windows");
  if (windows <= 0) return {};
  const Tail tail = test.test.find("contrast") != std::string::npos ? Tail::kChernoff : Tail::kExact;
  const double shift = figure("z") / std::sqrt(windows);
  std::string text = fmt::format(
      "{} ({}): {:.0f} windows show, at {} and with {:.0f} % power, a shift of {:.3g} standard deviations a window",
      test.test, test.subject, windows, level, 100 * kPower, shift_shown(windows, level, kPower, tail));
  if (shift <= 0) return text + "; this suspect shows none";
  return text + fmt::format("; this suspect shows {:.3g}, for which it would take {:.0f}", shift,
                            windows_needed(shift, level, kPower, tail));
}

}  // namespace stillwatch::attribution
