#include "campaigns/campaigns.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "base/team.h"
#include "campaigns/communities.h"
#include "stats/multiple.h"

namespace stillwatch::campaigns {
namespace {

std::vector<std::vector<uint32_t>> communities_of(size_t accounts, std::span<const Link> links) {
  std::vector<WeightedEdge> edges;
  for (const Link& link : links) edges.push_back({link.a, link.b, link.strength()});
  const std::vector<uint32_t> label = communities(accounts, edges);
  std::map<uint32_t, std::vector<uint32_t>> all;
  for (uint32_t i = 0; i < label.size(); ++i) all[label[i]].push_back(i);
  std::vector<std::vector<uint32_t>> largest_first;
  for (auto& [name, members] : all) {
    if (members.size() >= kGroupMin) largest_first.push_back(std::move(members));
  }
  std::stable_sort(largest_first.begin(), largest_first.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  return largest_first;
}

void tell_links(std::span<const Link> links, const std::vector<bool>& inside, Campaign& c) {
  std::vector<Link> between;
  for (const Link& link : links) {
    if (inside[link.a] && inside[link.b]) between.push_back(link);
  }
  c.link_count = between.size();
  for (const Link& link : between) {
    for (size_t k = 0; k < kLinkKinds; ++k) {
      c.links[k] += static_cast<double>(link.evidence[k]);
      if (link.evidence[k] > c.strongest[k].evidence[k]) c.strongest[k] = link;
    }
  }
  for (double& evidence : c.links) evidence /= static_cast<double>(std::max<size_t>(1, c.link_count));
  std::stable_sort(between.begin(), between.end(),
                   [](const Link& x, const Link& y) { return x.strength() > y.strength(); });
  std::unordered_map<uint32_t, size_t> told;  // of a member
  for (const Link& link : between) {
    size_t& of_a = told[link.a];
    size_t& of_b = told[link.b];
    if (std::min(of_a, of_b) >= kLinksTold) continue;
    ++of_a;
    ++of_b;
    c.told.push_back(link);
  }
}

}  // namespace

std::vector<Campaign> find(const Accounts& accounts, const Reference& reference, const signals::Baseline& baseline,
                           const Options& options) {
  base::Team team(options.threads);
  const auto enter = [&](std::string_view phase) {
    if (options.entering) options.entering(phase);
  };
  enter("place");
  const size_t count = accounts.traces.size();
  std::vector<Point> points(count);
  std::vector<float> lengths(count);
  team.parts(count, 256, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      Point point = reference.space().place(accounts.traces[i]);
      lengths[i] = static_cast<float>(std::sqrt(dot(point, point)));
      points[i] = direction_of(std::move(point));
    }
  });
  enter("link");
  const std::vector<Link> links = find_links(accounts.traces, points, reference.pairs(), options.links, team);
  enter("place");
  // In their place: of a large operator's accounts there is no room for both.
  team.parts(count, 256, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      for (float& x : points[i]) x *= lengths[i];
      points[i] = reference.whitening().turn(points[i]);
    }
  });
  const std::vector<Point>& turned = points;
  enter("group");
  std::vector<std::vector<uint32_t>> cores = communities_of(count, links);

  std::vector<Campaign> found;
  std::vector<bool> taken(count);
  // What a larger community has mostly taken in already is the same campaign.
  const auto known = [&](const std::vector<uint32_t>& some) {
    return 2 * std::count_if(some.begin(), some.end(), [&](uint32_t m) { return taken[m]; }) >
           static_cast<std::ptrdiff_t>(some.size());
  };
  // As many as there are threads are grown at a time; which of them are known is settled in their order.
  std::vector<std::vector<uint32_t>> grown(team.size());
  for (size_t from = 0; from < cores.size(); from += grown.size()) {
    const size_t some = std::min(grown.size(), cores.size() - from);
    enter("grow");
    team.each(some, [&](size_t i) {
      if (!known(cores[from + i])) grown[i] = recruit(turned, reference.turned(), cores[from + i]);
    });
    enter("judge");
    for (size_t i = 0; i < some; ++i) {
      if (known(cores[from + i])) continue;
      Campaign c;
      c.members = std::move(grown[i]);
      c.core = std::move(cores[from + i]);
      const std::vector<size_t> sizes = reference.groups().comparable(c.members.size());
      if (sizes.empty() || known(c.members)) continue;
      const std::vector<GroupScore> scores = scores_of(c.members, sizes, accounts.summary_of, baseline);
      c.judged = scores.back();
      c.judged_size = sizes.back();
      GroupSample sample{lean_of(turned, c.members), {}};
      for (const GroupScore& s : scores) sample.scores.push_back(s.score);
      c.p_value = reference.groups().p(sample);
      std::vector<bool> inside(count);
      for (const uint32_t m : c.members) inside[m] = taken[m] = true;
      tell_links(links, inside, c);
      found.push_back(std::move(c));
    }
  }
  std::vector<double> p_values;
  p_values.reserve(found.size());
  for (const Campaign& c : found) p_values.push_back(c.p_value.value);
  const std::vector<double> q_values = stats::benjamini_hochberg(p_values);
  for (size_t i = 0; i < found.size(); ++i) found[i].q_value = q_values[i];
  std::stable_sort(found.begin(), found.end(),
                   [](const Campaign& a, const Campaign& b) { return a.p_value.value < b.p_value.value; });
  return found;
}

}  // namespace stillwatch::campaigns
