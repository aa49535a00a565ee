#include "campaigns/reference.h"

#include <algorithm>
#include <numeric>

#include "base/hash.h"
#include "base/team.h"

namespace stillwatch::campaigns {
namespace {

constexpr size_t kCore = 24;     // nearest accounts that a benign group grows from
constexpr size_t kOfBenign = 4;  // a group may be so large a part of the benign accounts

std::vector<uint32_t> by_hash(const std::vector<Trace>& traces, uint64_t salt, size_t max) {
  std::vector<uint32_t> order(traces.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<uint64_t> hash;
  hash.reserve(traces.size());
  for (const Trace& t : traces) hash.push_back(base::hash64(t.account, salt));
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return hash[a] < hash[b]; });
  order.resize(std::min(order.size(), max));
  return order;
}

// `seed` and the accounts nearest to it.
std::vector<uint32_t> around(uint32_t seed, std::span<const Point> directions) {
  std::vector<std::pair<double, uint32_t>> near;
  for (uint32_t i = 0; i < directions.size(); ++i) near.emplace_back(-dot(directions[seed], directions[i]), i);
  const size_t core = std::min(near.size(), kCore);
  std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(core), near.end());
  std::vector<uint32_t> members;
  for (size_t i = 0; i < core; ++i) members.push_back(near[i].second);
  return members;
}

// Groups around every account, among all of them.
std::vector<GroupSample> grow(std::span<const Point> points, std::span<const Point> directions,
                              std::span<const size_t> sizes,
                              std::span<const std::shared_ptr<const profile::Summary>> summaries,
                              const signals::Baseline& baseline, base::Team& team) {
  std::vector<GroupSample> groups(points.size());
  team.each(points.size(), [&](size_t seed) {
    const std::vector<uint32_t> core = around(static_cast<uint32_t>(seed), directions);
    groups[seed].lean = lean_of(points, core);
    const std::vector<uint32_t> order = most_leaning(leanings(points, core), sizes.back());
    for (const GroupScore& s : scores_of(
             order, sizes, [&](uint32_t i) { return summaries[i]; }, baseline))
      groups[seed].scores.push_back(s.score);
  });
  return groups;
}

}  // namespace

base::Result<Reference> Reference::of(const Accounts& benign, const signals::Baseline& baseline, unsigned threads) {
  if (benign.traces.size() < kAccountsMin) {
    return base::fail(base::ErrorCode::kInput, std::to_string(benign.traces.size()) +
                                                   " accounts are too few to say what honest groups look like, " +
                                                   std::to_string(kAccountsMin) + " are needed: give more logs");
  }
  Reference r;
  const std::vector<uint32_t> kept = by_hash(benign.traces, 0x706f696e, kPointsMax);
  std::vector<const Trace*> crowd;
  crowd.reserve(kept.size());
  for (const uint32_t i : kept) crowd.push_back(&benign.traces[i]);
  r.space_ = Space::fit(crowd);
  std::vector<Point> directions;
  for (const Trace* t : crowd) {
    r.points_.push_back(r.space_.place(*t));
    directions.push_back(direction_of(r.points_.back()));
  }
  r.pairs_ = PairLaw(crowd, directions);
  r.turn();

  // Two halves without an account in common: groups of the first say what is usual, those of the second how far benign
  // groups are from it.
  const size_t half = std::min(kSeedsMax, crowd.size() / 2);
  std::vector<size_t> sizes;
  for (size_t size = kGroupMin; size <= half / kOfBenign; size *= 2) sizes.push_back(size);
  base::Team team(threads);
  const auto grown = [&](size_t begin) {
    std::vector<std::shared_ptr<const profile::Summary>> summaries;
    for (size_t i = begin; i < begin + half; ++i) summaries.push_back(benign.summary_of(kept[i]));
    return grow(std::span<const Point>(r.turned_).subspan(begin, half),
                std::span<const Point>(directions).subspan(begin, half), sizes, summaries, baseline, team);
  };
  r.groups_ = GroupLaw(sizes, grown(0), grown(half), team);
  return r;
}

void Reference::turn() {
  whitening_ = Whitening::of(points_);
  for (const Point& p : points_) turned_.push_back(whitening_.turn(p));
}

}  // namespace stillwatch::campaigns
