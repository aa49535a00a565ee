#include "campaigns/campaigns.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/hash.h"
#include "campaigns/communities.h"
#include "stats/multiple.h"

namespace stillwatch::campaigns {
namespace {

std::vector<const Trace*> all_of(const Accounts& accounts) {
  std::vector<const Trace*> out;
  for (const Trace& t : accounts.traces) out.push_back(&t);
  return out;
}

// Sizes at which groups are compared: doublings from kGroupMin.
size_t size_class(size_t size, size_t benign) {
  size_t k = kGroupMin;
  while (2 * k <= size && 8 * k <= benign) k *= 2;
  return k;
}

// Scores of groups of one size grown around benign accounts.
class BenignGroups {
 public:
  BenignGroups(const Accounts& benign, const std::vector<Point>& points, const std::vector<Point>& directions,
               const signals::Baseline& baseline, const Options& options)
      : benign_(benign), points_(points), baseline_(baseline), options_(options) {
    std::vector<uint32_t> seeds(points.size());
    std::iota(seeds.begin(), seeds.end(), 0);
    std::sort(seeds.begin(), seeds.end(), [&](uint32_t a, uint32_t b) {
      return base::hash64(benign.traces[a].account) < base::hash64(benign.traces[b].account);
    });
    seeds.resize(std::min(seeds.size(), options.seeds));
    for (const uint32_t seed : seeds) {
      std::vector<std::pair<double, uint32_t>> near;
      for (uint32_t i = 0; i < points.size(); ++i) near.emplace_back(-dot(directions[seed], directions[i]), i);
      const size_t core = std::min(near.size(), options.links.neighbours);
      std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(core), near.end());
      std::vector<uint32_t> members;
      for (size_t i = 0; i < core; ++i) members.push_back(near[i].second);
      const std::vector<double> leans = leanings(points, members);
      std::vector<uint32_t> order(points.size());
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return leans[a] > leans[b]; });
      order.resize(std::min(order.size(), size_class(points.size(), points.size())));
      orders_.push_back(std::move(order));
    }
  }

  const stats::ConformalTail& of(size_t size) {
    if (const auto it = tails_.find(size); it != tails_.end()) return it->second;
    std::vector<double> scores;
    for (const auto& order : orders_) {
      const auto members = std::span(order).first(std::min(size, order.size()));
      scores.push_back(score(pool(members, benign_.summary_of), baseline_, options_.complementarity).score);
    }
    return tails_.emplace(size, stats::ConformalTail(std::move(scores))).first->second;
  }

 private:
  const Accounts& benign_;
  const std::vector<Point>& points_;
  const signals::Baseline& baseline_;
  const Options& options_;
  std::vector<std::vector<uint32_t>> orders_;
  std::map<size_t, stats::ConformalTail> tails_;
};

struct Placed {
  std::vector<Point> points;
  std::vector<Point> directions;
  Placed(const Space& space, const Accounts& accounts) {
    for (const Trace& t : accounts.traces) {
      points.push_back(space.place(t));
      directions.push_back(direction_of(points.back()));
    }
  }
};

}  // namespace

std::vector<Campaign> find(const Accounts& accounts, const Accounts& benign, const signals::Baseline& baseline,
                           const Options& options) {
  if (benign.traces.size() < 4 * kGroupMin || accounts.traces.size() < kGroupMin) return {};
  const std::vector<const Trace*> crowd = all_of(benign);
  const Space space = Space::fit(crowd);
  const Placed honest(space, benign);
  const Placed placed(space, accounts);
  const PairLaw law(crowd, honest.directions);
  const std::vector<Link> links = find_links(accounts.traces, placed.directions, law, options.links);

  std::vector<WeightedEdge> edges;
  for (const Link& link : links) edges.push_back({link.a, link.b, link.strength()});
  const std::vector<uint32_t> community = communities(accounts.traces.size(), edges);
  std::map<uint32_t, std::vector<uint32_t>> cores;
  for (uint32_t i = 0; i < community.size(); ++i) cores[community[i]].push_back(i);
  std::vector<std::vector<uint32_t>> largest_first;
  for (auto& [label, members] : cores) {
    if (members.size() >= kGroupMin) largest_first.push_back(std::move(members));
  }
  std::stable_sort(largest_first.begin(), largest_first.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });

  BenignGroups benign_groups(benign, honest.points, honest.directions, baseline, options);
  std::vector<Campaign> found;
  std::vector<bool> taken(accounts.traces.size());
  for (auto& core : largest_first) {
    // A community that a larger one has mostly taken in already is the same campaign.
    const auto gone =
        static_cast<size_t>(std::count_if(core.begin(), core.end(), [&](uint32_t m) { return taken[m]; }));
    if (2 * gone > core.size()) continue;
    Campaign c;
    c.core = core.size();
    c.group = recruit(placed.points, honest.points, std::move(core));
    const auto known =
        std::count_if(c.group.members.begin(), c.group.members.end(), [&](uint32_t m) { return taken[m]; });
    if (c.group.members.size() < kGroupMin || 2 * static_cast<size_t>(known) > c.group.members.size()) continue;
    c.judged_size = size_class(c.group.members.size(), benign.traces.size());
    c.judged = score(pool(std::span(c.group.members).first(c.judged_size), accounts.summary_of), baseline,
                     options.complementarity);
    c.p_value = benign_groups.of(c.judged_size).p(c.judged.score);
    for (const uint32_t m : c.group.members) taken[m] = true;
    found.push_back(std::move(c));
  }
  std::vector<double> p_values;
  for (const Campaign& c : found) p_values.push_back(c.p_value.value);
  const std::vector<double> q_values = stats::benjamini_hochberg(p_values);
  for (size_t i = 0; i < found.size(); ++i) found[i].q_value = q_values[i];
  std::stable_sort(found.begin(), found.end(),
                   [](const Campaign& a, const Campaign& b) { return a.p_value.value < b.p_value.value; });
  return found;
}

}  // namespace stillwatch::campaigns
