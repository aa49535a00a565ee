// Communities of a weighted graph: groups with more weight inside than chance would put there, by the Leiden algorithm
// (Traag, Waltman and van Eck 2019): moving single accounts while modularity rises, splitting what hangs together only
// through others, and again on the graph of groups. Deterministic: accounts are visited in their order.
//
// Modularity of Reichardt and Bornholdt 2006. Thread rule: pure function. Cost: about linear in edges.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace stillwatch::campaigns {

struct WeightedEdge {
  uint32_t a = 0;
  uint32_t b = 0;
  double weight = 0;
};

// The community of every node, numbered from 0 in the order of their first nodes. REQUIRES: a, b < nodes; weights > 0.
std::vector<uint32_t> communities(size_t nodes, std::span<const WeightedEdge> edges, double resolution = 1);

}  // namespace stillwatch::campaigns
