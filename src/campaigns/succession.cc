#include "campaigns/succession.h"

#include <algorithm>

namespace stillwatch::campaigns {
namespace {

std::ptrdiff_t within(const std::vector<int64_t>& times, int64_t from, int64_t to) {
  return std::upper_bound(times.begin(), times.end(), to) - std::lower_bound(times.begin(), times.end(), from);
}

}  // namespace

Succession::Succession(std::span<const Trace> traces) {
  begins_.reserve(traces.size());
  ends_.reserve(traces.size());
  for (const Trace& t : traces) {
    begins_.push_back(t.first_ms);
    ends_.push_back(t.last_ms);
  }
  std::sort(begins_.begin(), begins_.end());
  std::sort(ends_.begin(), ends_.end());
}

double Succession::p(const Trace& a, const Trace& b) const {
  const Trace& ended = a.last_ms <= b.last_ms ? a : b;
  const Trace& begun = &ended == &a ? b : a;
  if (begun.first_ms < ended.last_ms) return 1;
  const std::ptrdiff_t most = std::max(within(begins_, ended.last_ms, begun.first_ms),  //
                                       within(ends_, ended.last_ms, begun.first_ms));
  return std::min(1.0, 2 * static_cast<double>(most) / static_cast<double>(begins_.size()));
}

}  // namespace stillwatch::campaigns
