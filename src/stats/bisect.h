// Private to the module. Thread rule: a pure function.
#pragma once

namespace stillwatch::stats {

// The x between `low` and `high` at which an increasing function reaches `target`, by bisection.
template <typename F>
double bisect(F f, double target, double low, double high) {
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    if (middle == low || middle == high) break;
    (f(middle) < target ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace stillwatch::stats
