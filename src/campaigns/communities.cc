#include "campaigns/communities.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace stillwatch::campaigns {
namespace {

struct Arc {
  uint32_t to;
  double weight;
};

class Graph {
 public:
  Graph(size_t nodes, std::span<const WeightedEdge> edges) : first_(nodes + 1), strength_(nodes) {
    for (const WeightedEdge& e : edges) {
      ++first_[e.a + 1];
      ++first_[e.b + 1];  // an edge to itself has two ends there
      strength_[e.a] += e.weight;
      strength_[e.b] += e.weight;
      total_ += 2 * e.weight;
    }
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    arcs_.resize(first_.back());
    std::vector<size_t> next(first_.begin(), first_.end() - 1);
    for (const WeightedEdge& e : edges) {
      arcs_[next[e.a]++] = {e.b, e.weight};
      arcs_[next[e.b]++] = {e.a, e.weight};
    }
  }
  size_t size() const { return strength_.size(); }
  std::span<const Arc> arcs(size_t node) const {
    return std::span(arcs_).subspan(first_[node], first_[node + 1] - first_[node]);
  }
  double strength(size_t node) const { return strength_[node]; }
  double total() const { return total_; }

 private:
  std::vector<size_t> first_;
  std::vector<Arc> arcs_;
  std::vector<double> strength_;
  double total_ = 0;
};

// Numbers labels from 0 in the order of their first nodes; how many there are.
uint32_t renumber(std::vector<uint32_t>& labels) {
  std::unordered_map<uint32_t, uint32_t> fresh;
  for (uint32_t& label : labels) label = fresh.try_emplace(label, static_cast<uint32_t>(fresh.size())).first->second;
  return static_cast<uint32_t>(fresh.size());
}

// Moves nodes between the groups of `labels` while modularity rises; only within `bounds`, if there are any. With
// `alone`, only nodes that are still by themselves move (the refinement of Leiden). True if any moved.
bool move_nodes(const Graph& graph, double resolution, const std::vector<uint32_t>* bounds, bool alone,
                std::vector<uint32_t>& labels) {
  constexpr int kRoundsMax = 50;
  std::vector<double> weight(graph.size());  // of a group
  std::vector<uint32_t> members(graph.size());
  for (size_t i = 0; i < graph.size(); ++i) {
    weight[labels[i]] += graph.strength(i);
    ++members[labels[i]];
  }
  std::vector<double> to(graph.size());  // weight from the node to a group
  std::vector<uint32_t> touched;
  bool any = false;
  for (int round = 0; round < kRoundsMax; ++round) {
    bool moved = false;
    for (size_t i = 0; i < graph.size(); ++i) {
      const uint32_t own = labels[i];
      if (alone && members[own] > 1) continue;
      touched.clear();
      for (const Arc& arc : graph.arcs(i)) {
        if (arc.to == i || (bounds != nullptr && (*bounds)[arc.to] != (*bounds)[i])) continue;
        if (to[labels[arc.to]] == 0) touched.push_back(labels[arc.to]);
        to[labels[arc.to]] += arc.weight;
      }
      const auto gain = [&](uint32_t group) {
        const double others = weight[group] - (group == own ? graph.strength(i) : 0);
        return to[group] - resolution * graph.strength(i) * others / graph.total();
      };
      uint32_t best = own;
      double most = gain(own);
      for (const uint32_t group : touched) {
        const double g = gain(group);
        if (g > most + 1e-12 || (g > most - 1e-12 && group < best && best != own)) {
          best = group;
          most = g;
        }
      }
      for (const uint32_t group : touched) to[group] = 0;
      if (best == own) continue;
      weight[own] -= graph.strength(i);
      weight[best] += graph.strength(i);
      --members[own];
      ++members[best];
      labels[i] = best;
      moved = any = true;
    }
    if (!moved) break;
  }
  return any;
}

}  // namespace

std::vector<uint32_t> communities(size_t nodes, std::span<const WeightedEdge> edges, double resolution) {
  constexpr int kLevelsMax = 20;
  std::vector<uint32_t> result(nodes);  // the node of the current graph that each account is in
  std::iota(result.begin(), result.end(), 0);
  std::vector<WeightedEdge> current(edges.begin(), edges.end());
  std::vector<uint32_t> groups(nodes);  // of the nodes of the current graph
  std::iota(groups.begin(), groups.end(), 0);
  size_t size = nodes;
  for (int level = 0; level < kLevelsMax && !current.empty(); ++level) {
    const Graph graph(size, current);
    const bool moved = move_nodes(graph, resolution, nullptr, false, groups);
    if (!moved && level > 0) break;
    std::vector<uint32_t> parts(size);
    std::iota(parts.begin(), parts.end(), 0);
    move_nodes(graph, resolution, &groups, true, parts);
    const uint32_t count = renumber(parts);
    // The next graph's nodes are the parts; they start in the groups that they are parts of.
    std::vector<uint32_t> next(count);
    std::vector<uint32_t> leader(size, UINT32_MAX);
    for (size_t i = 0; i < size; ++i) {
      if (leader[groups[i]] == UINT32_MAX) leader[groups[i]] = parts[i];
      next[parts[i]] = leader[groups[i]];
    }
    std::unordered_map<uint64_t, size_t> joined;
    std::vector<WeightedEdge> merged;
    for (const WeightedEdge& e : current) {
      const uint32_t a = std::min(parts[e.a], parts[e.b]);
      const uint32_t b = std::max(parts[e.a], parts[e.b]);
      const auto [it, fresh] = joined.try_emplace(uint64_t{a} << 32 | b, merged.size());
      if (fresh) merged.push_back({a, b, 0});
      merged[it->second].weight += e.weight;
    }
    for (uint32_t& r : result) r = parts[r];
    groups = std::move(next);
    current = std::move(merged);
    if (count == size && !moved) break;
    size = count;
  }
  for (uint32_t& r : result) r = groups[r];
  renumber(result);
  return result;
}

}  // namespace stillwatch::campaigns
