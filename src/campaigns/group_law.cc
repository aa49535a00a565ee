#include "campaigns/group_law.h"

#include <algorithm>
#include <cmath>

namespace stillwatch::campaigns {
namespace {

constexpr size_t kAlike = 50;    // benign groups that say what is usual,
constexpr size_t kOfGroups = 4;  // or so large a part of them, if that is fewer

// Places of the `leans` most like `lean`.
std::vector<uint32_t> alike(const Point& lean, std::span<const Point> leans) {
  std::vector<std::pair<double, uint32_t>> near;
  for (uint32_t i = 0; i < leans.size(); ++i) near.emplace_back(-dot(lean, leans[i]), i);
  const auto count = static_cast<std::ptrdiff_t>(std::min(kAlike, std::max<size_t>(1, leans.size() / kOfGroups)));
  std::nth_element(near.begin(), near.begin() + count - 1, near.end());
  std::vector<uint32_t> places;
  for (auto it = near.begin(); it != near.begin() + count; ++it) places.push_back(it->second);
  return places;
}

float median_of(std::span<const float> scores, std::span<const uint32_t> places) {
  std::vector<float> some;
  for (const uint32_t i : places) some.push_back(scores[i]);
  const auto middle = some.begin() + static_cast<std::ptrdiff_t>(some.size() / 2);
  std::nth_element(some.begin(), middle, some.end());
  return *middle;
}

}  // namespace

GroupLaw::GroupLaw(std::span<const size_t> sizes, std::span<const GroupSample> usual,
                   std::span<const GroupSample> others, base::Team& team) {
  for (const GroupSample& g : usual) leans_.push_back(g.lean);
  std::vector<std::vector<uint32_t>> like(usual.size());
  team.each(usual.size(), [&](size_t i) { like[i] = alike(leans_[i], leans_); });
  for (size_t s = 0; s < sizes.size(); ++s) {
    OfSize& of = sizes_[sizes[s]];
    for (const GroupSample& g : usual) of.scores.push_back(static_cast<float>(g.scores[s]));
    double squares = 0;
    for (size_t i = 0; i < usual.size(); ++i) {
      const double excess = static_cast<double>(of.scores[i] - median_of(of.scores, like[i]));
      squares += excess * excess;
    }
    of.unit = std::max(OfSize::kUnitMin, std::sqrt(squares / static_cast<double>(usual.size())));
    of.excesses.resize(others.size());
  }
  team.each(others.size(), [&](size_t i) {
    const std::vector<double> means = excesses(others[i]);
    for (size_t s = 0; s < sizes.size(); ++s) sizes_[sizes[s]].excesses[i] = static_cast<float>(means[s]);
  });
  index();
}

void GroupLaw::index() {
  tails_.clear();
  for (const auto& [size, of] : sizes_)
    tails_.push_back(stats::ConformalTail({of.excesses.begin(), of.excesses.end()}));
}

std::vector<size_t> GroupLaw::comparable(size_t size) const {
  std::vector<size_t> sizes;
  for (auto it = sizes_.begin(); it != sizes_.end() && it->first <= size; ++it) sizes.push_back(it->first);
  return sizes;
}

std::vector<double> GroupLaw::excesses(const GroupSample& group) const {
  const std::vector<uint32_t> like = alike(group.lean, leans_);
  std::vector<double> means;
  double sum = 0;
  auto of = sizes_.begin();
  for (const double score : group.scores) {
    sum += (score - static_cast<double>(median_of(of->second.scores, like))) / of->second.unit;
    means.push_back(sum / static_cast<double>(means.size() + 1));
    ++of;
  }
  return means;
}

stats::PValue GroupLaw::p(const GroupSample& group) const {
  return tails_[group.scores.size() - 1].p(excesses(group).back());
}

}  // namespace stillwatch::campaigns
