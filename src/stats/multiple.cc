#include "stats/multiple.h"

#include <algorithm>
#include <numeric>

namespace stillwatch::stats {
namespace {

std::vector<size_t> increasing(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  return order;
}

}  // namespace

std::vector<double> benjamini_hochberg(std::span<const double> p_values) {
  const std::vector<size_t> order = increasing(p_values);
  std::vector<double> q(p_values.size());
  const auto n = static_cast<double>(p_values.size());
  double least = 1;
  for (size_t rank = order.size(); rank-- > 0;) {
    least = std::min(least, p_values[order[rank]] * n / static_cast<double>(rank + 1));
    q[order[rank]] = least;
  }
  return q;
}

std::vector<double> holm(std::span<const double> p_values) {
  const std::vector<size_t> order = increasing(p_values);
  std::vector<double> adjusted(p_values.size());
  double most = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    most = std::max(most, p_values[order[rank]] * static_cast<double>(order.size() - rank));
    adjusted[order[rank]] = std::min(1.0, most);
  }
  return adjusted;
}

}  // namespace stillwatch::stats
