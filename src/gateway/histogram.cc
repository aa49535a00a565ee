#include "gateway/histogram.h"

#include <fmt/format.h>

#include <algorithm>

namespace stillwatch::gateway {

void Histogram::note(int64_t ns) {
  const auto bucket = std::lower_bound(kBoundsUs.begin(), kBoundsUs.end(), (ns + 999) / 1000) - kBoundsUs.begin();
  buckets_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(ns, std::memory_order_relaxed);
}

std::string Histogram::text(std::string_view name, std::string_view labels) const {
  const std::string_view comma = labels.empty() ? "" : ",";
  std::string out;
  uint64_t count = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    count += buckets_[i].load(std::memory_order_relaxed);
    const std::string bound =
        i < kBoundsUs.size() ? fmt::format("{:g}", static_cast<double>(kBoundsUs[i]) / 1e6) : "+Inf";
    out += fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma, bound, count);
  }
  const std::string braced = labels.empty() ? "" : fmt::format("{{{}}}", labels);
  out += fmt::format("{}_sum{} {:.9f}\n", name, braced, static_cast<double>(sum_ns_.load()) / 1e9);
  return out + fmt::format("{}_count{} {}\n", name, braced, count);
}

}  // namespace stillwatch::gateway
