#include "range/over_seeds.h"

#include <fmt/format.h>

#include <algorithm>

#include "range/page.h"
#include "stats/mean.h"

namespace stillwatch::range {

void OverSeeds::add(const Json& result) {
  const distill::Tally right{result["exam"]["right"], result["exam"]["asked"]};
  if (shares.empty()) first = result;
  all.right += right.right;
  all.of += right.of;
  shares.push_back(right.share());
  each += fmt::format("{}{}", each.empty() ? "" : ", ", right.right);
}

std::string OverSeeds::share_text() const {
  if (shares.size() < 2) return percent_text(all);
  const stats::Mean m = stats::mean_of(shares);
  return percent_text(m.mean, {std::max(0.0, m.interval.low), std::min(1.0, m.interval.high)});
}

std::vector<OverSeeds> over_seeds(const std::vector<Json>& seeds, const char* list,
                                  std::initializer_list<const char*> keys) {
  std::vector<OverSeeds> groups;
  for (const Json& seed : seeds) {
    for (const Json& result : seed[list]) {
      const auto alike = [&](const OverSeeds& g) {
        return std::ranges::all_of(keys, [&](const char* key) { return g.first[key] == result[key]; });
      };
      auto it = std::ranges::find_if(groups, alike);
      if (it == groups.end()) it = groups.insert(it, OverSeeds{});
      it->add(result);
    }
  }
  return groups;
}

}  // namespace stillwatch::range
