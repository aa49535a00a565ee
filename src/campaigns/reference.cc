#include "campaigns/reference.h"

#include <algorithm>
#include <numeric>

#include "base/hash.h"
#include "base/team.h"

namespace stillwatch::campaigns {
namespace {

constexpr size_t kCore = 24;     // nearest accounts that a benign group grows from
constexpr size_t kOfBenign = 4;  // a group may be so large a part of the benign accounts
constexpr size_t kAlike = 50;    // benign groups that say what is usual,
constexpr size_t kOfGroups = 4;  // or so large a part of them, if that is fewer

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

struct Groups {
  std::vector<Point> leans;
  std::map<size_t, std::vector<float>> scores;  // by size
};

// Groups around every account, among all of them.
Groups grow(std::span<const Point> points, std::span<const Point> directions,
            std::span<const std::shared_ptr<const profile::Summary>> summaries, const signals::Baseline& baseline,
            bool complementarity, base::Team& team) {
  const size_t largest = points.size() / kOfBenign;
  Groups groups;
  groups.leans.resize(points.size());
  for (size_t size = kGroupMin; size <= largest; size *= 2) groups.scores[size].resize(points.size());
  team.each(points.size(), [&](size_t seed) {
    const std::vector<uint32_t> core = around(static_cast<uint32_t>(seed), directions);
    groups.leans[seed] = lean_of(points, core);
    const std::vector<uint32_t> order = most_leaning(leanings(points, core), largest);
    Pooled pooled;
    size_t taken = 0;
    for (auto& [size, scores] : groups.scores) {
      for (; taken < size; ++taken) {
        if (const auto& summary = summaries[order[taken]]) pooled.add(*summary);
      }
      scores[seed] = static_cast<float>(score(pooled, baseline, complementarity).score);
    }
  });
  return groups;
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

  // Two halves without an account in common: groups of the first say what is usual, those of the second how far benign
  // groups are from it.
  const size_t half = std::min(kSeedsMax, crowd.size() / 2);
  base::Team team(threads);
  const auto grown = [&](size_t begin) {
    std::vector<std::shared_ptr<const profile::Summary>> summaries;
    for (size_t i = begin; i < begin + half; ++i) summaries.push_back(benign.summary_of(kept[i]));
    return grow(std::span<const Point>(r.turned_).subspan(begin, half),
                std::span<const Point>(directions).subspan(begin, half), summaries, baseline, complementarity, team);
  };
  Groups first = grown(0);
  r.leans_ = std::move(first.leans);
  r.scores_ = std::move(first.scores);
  const Groups second = grown(half);
  for (const auto& [size, scores] : second.scores) r.excesses_[size].resize(half);
  team.each(half, [&](size_t i) {
    const std::vector<uint32_t> like = alike(second.leans[i], r.leans_);
    for (const auto& [size, scores] : second.scores)
      r.excesses_[size][i] = scores[i] - median_of(r.scores_.at(size), like);
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
  for (const auto& [size, excess] : excesses_)
    tails_.emplace(size, stats::ConformalTail({excess.begin(), excess.end()}));
}

size_t Reference::comparable(size_t size) const {
  const auto above = tails_.upper_bound(size);
  return above == tails_.begin() ? 0 : std::prev(above)->first;
}

stats::PValue Reference::p(double score, const Point& lean, size_t size) const {
  const double usual = median_of(scores_.at(size), alike(lean, leans_));
  return tails_.at(size).p(score - usual);
}

}  // namespace stillwatch::campaigns
