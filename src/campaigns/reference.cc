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

// The accounts that lean most towards the neighbours of `seed`.
std::vector<uint32_t> grown_around(uint32_t seed, std::span<const Point> points, std::span<const Point> directions,
                                   size_t size) {
  std::vector<std::pair<double, uint32_t>> near;
  for (uint32_t i = 0; i < directions.size(); ++i) near.emplace_back(-dot(directions[seed], directions[i]), i);
  const size_t core = std::min(near.size(), kCore);
  std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(core), near.end());
  std::vector<uint32_t> members;
  for (size_t i = 0; i < core; ++i) members.push_back(near[i].second);
  return most_leaning(leanings(points, members), size);
}

}  // namespace

base::Result<Reference> Reference::of(const Accounts& benign, const signals::Baseline& baseline, bool complementarity,
                                      unsigned threads) {
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

  const size_t seeds = std::min(kSeedsMax, crowd.size());
  std::vector<std::shared_ptr<const profile::Summary>> summaries;
  for (size_t i = 0; i < seeds; ++i) summaries.push_back(benign.summary_of(kept[i]));
  const auto among = std::span<const Point>(r.turned_).first(seeds);
  const auto leaning = std::span<const Point>(directions).first(seeds);
  const size_t largest = seeds / kOfBenign;
  for (size_t size = kGroupMin; size <= largest; size *= 2) r.scores_[size].resize(seeds);
  base::Team team(threads);
  team.each(seeds, [&](size_t seed) {
    const std::vector<uint32_t> order = grown_around(static_cast<uint32_t>(seed), among, leaning, largest);
    Pooled pooled;
    size_t taken = 0;
    for (auto& [size, scores] : r.scores_) {
      for (; taken < size; ++taken) {
        if (const auto& summary = summaries[order[taken]]) pooled.add(*summary);
      }
      scores[seed] = static_cast<float>(score(pooled, baseline, complementarity).score);
    }
  });
  r.index();
  return r;
}

void Reference::turn() {
  whitening_ = Whitening::of(points_);
  for (const Point& p : points_) turned_.push_back(whitening_.turn(p));
}

void Reference::index() {
  tails_.clear();
  for (const auto& [size, scores] : scores_) tails_.emplace(size, stats::ConformalTail({scores.begin(), scores.end()}));
}

size_t Reference::comparable(size_t size) const {
  const auto above = tails_.upper_bound(size);
  return above == tails_.begin() ? 0 : std::prev(above)->first;
}

stats::PValue Reference::p(double score, size_t size) const {
  return tails_.at(size).p(score);
}

}  // namespace stillwatch::campaigns
