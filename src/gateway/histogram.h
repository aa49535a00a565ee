// How long something took, counted in buckets for Prometheus. Thread rule: all methods from any thread; a note costs
// two additions.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace stillwatch::gateway {

class Histogram {
 public:
  void note(int64_t ns);
  // Lines `name_bucket{labels,le="..."}`, `name_sum`, `name_count`, in seconds; `labels` may be "".
  std::string text(std::string_view name, std::string_view labels) const;

 private:
  static constexpr std::array<int64_t, 14> kBoundsUs = {10,    25,    50,     100,    250,     500,       1'000,
                                                        2'500, 5'000, 10'000, 50'000, 250'000, 1'000'000, 5'000'000};
  std::array<std::atomic<uint64_t>, kBoundsUs.size() + 1> buckets_{};
  std::atomic<int64_t> sum_ns_{0};
};

}  // namespace stillwatch::gateway
