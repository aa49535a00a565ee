#include "campaigns/links.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "base/hash.h"
#include "base/random.h"
#include "campaigns/succession.h"

namespace stillwatch::campaigns {
namespace {

constexpr size_t kPairs = 200'000;
constexpr size_t kHoursPairs = 2000;
constexpr size_t kRing = 3;            // a key's holders are linked to so many after them: edges stay linear
constexpr double kShareMax = 0.02;     // of accounts: a key that more hold is not rare
constexpr double kIdentityMost = 1.5;  // evidence: less than any link needs
constexpr double kTimeMost = 2;        // evidence, of hours and of succession

constexpr std::array kKeyKinds = {KeyKind::kPrompt, KeyKind::kOpening, KeyKind::kOpenings,
                                  KeyKind::kSystem, KeyKind::kNetwork, KeyKind::kClient};

using PairKey = uint64_t;
PairKey pair_of(uint32_t a, uint32_t b) {
  return uint64_t{std::min(a, b)} << 32 | std::max(a, b);
}

size_t week_hour(int32_t day, int hour) {
  const int32_t weekday = ((day % 7) + 7) % 7;
  return static_cast<size_t>(weekday) * 24 + static_cast<size_t>(hour);
}

std::vector<double> share_active(std::span<const Trace* const> traces) {
  std::vector<double> active(profile::kHoursOfWeek, 1), all(profile::kHoursOfWeek, 2);
  for (const Trace* t : traces) {
    for (const auto& day : t->days) {
      for (int h = 0; h < 24; ++h) {
        all[week_hour(day.day, h)] += 1;
        active[week_hour(day.day, h)] += (day.hours >> h) & 1;
      }
    }
  }
  for (size_t h = 0; h < active.size(); ++h) active[h] /= all[h];
  return active;
}

std::vector<uint32_t> chosen(std::span<const Trace> traces, size_t max) {
  std::vector<uint32_t> all(traces.size());
  std::iota(all.begin(), all.end(), 0);
  if (all.size() <= max) return all;
  std::vector<uint64_t> rank(all.size());
  for (size_t i = 0; i < all.size(); ++i) rank[i] = base::hash64(traces[i].account, 0x6c696e6b);
  std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(max), all.end(),
                   [&](uint32_t a, uint32_t b) { return rank[a] < rank[b]; });
  all.resize(max);
  std::sort(all.begin(), all.end());
  return all;
}

// A reason to look at a pair: a key that both have, or that they are near.
struct Proposal {
  PairKey pair;
  float p;  // of sharing the key
  bool identity;
};

// The nearest others of every account of a set.
class Nearest {
 public:
  using Near = std::pair<double, uint32_t>;  // cosine, who; ordered, so that ties fall the same way in any order
  Nearest(size_t accounts, size_t count) : best_(accounts), count_(count) {}
  void offer(size_t account, Near near) {
    std::vector<Near>& heap = best_[account];
    if (heap.size() == count_ && near <= heap.front()) return;
    heap.push_back(near);
    std::push_heap(heap.begin(), heap.end(), std::greater<>());
    if (heap.size() <= count_) return;
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    heap.pop_back();
  }
  const std::vector<Near>& of(size_t account) const { return best_[account]; }

 private:
  std::vector<std::vector<Near>> best_;
  size_t count_;
};

// Every chosen account and its nearest others.
void propose_by_nearness(std::span<const uint32_t> chosen, std::span<const Point> directions, size_t count,
                         base::Team& team, std::vector<Proposal>& out) {
  constexpr size_t kBlock = 64;
  const size_t blocks = (chosen.size() + kBlock - 1) / kBlock;
  std::vector<Nearest> found(team.size(), Nearest(chosen.size(), count));  // of each thread
  std::atomic<size_t> next{0};
  team.run([&](unsigned thread) {
    Nearest& mine = found[thread];
    for (size_t block = next++; block < blocks; block = next++) {
      const size_t i0 = block * kBlock;
      for (size_t j0 = i0; j0 < chosen.size(); j0 += kBlock) {
        for (size_t i = i0; i < std::min(i0 + kBlock, chosen.size()); ++i) {
          for (size_t j = std::max(j0, i + 1); j < std::min(j0 + kBlock, chosen.size()); ++j) {
            const double cosine = dot(directions[chosen[i]], directions[chosen[j]]);
            mine.offer(i, {cosine, static_cast<uint32_t>(j)});
            mine.offer(j, {cosine, static_cast<uint32_t>(i)});
          }
        }
      }
    }
  });
  for (size_t i = 0; i < chosen.size(); ++i) {
    for (size_t t = 1; t < found.size(); ++t) {
      for (const auto& near : found[t].of(i)) found[0].offer(i, near);
    }
    for (const auto& [cosine, j] : found[0].of(i)) out.push_back({pair_of(chosen[i], chosen[j]), 1, false});
  }
}

// Of the keys of one kind.
void propose_by_keys(std::span<const Trace> traces, KeyKind kind, std::vector<Proposal>& out) {
  using Holding = std::pair<uint64_t, uint32_t>;  // hash and account
  std::vector<Holding> holdings;
  for (uint32_t i = 0; i < traces.size(); ++i) {
    for (const Key& key : traces[i].keys) {
      if (key.kind == kind) holdings.emplace_back(key.hash, i);
    }
  }
  std::sort(holdings.begin(), holdings.end());
  const auto n = static_cast<double>(traces.size());
  for (size_t from = 0; from < holdings.size();) {
    size_t to = from;
    while (to < holdings.size() && holdings[to].first == holdings[from].first) ++to;
    const auto holders = static_cast<double>(to - from);
    if (holders > 1 && holders <= std::max(3.0, kShareMax * n)) {
      const auto p = static_cast<float>(std::min(1.0, static_cast<double>(keys_max(kind)) * holders / n));
      for (size_t i = from; i < to; ++i) {
        for (size_t j = i + 1; j < std::min(to, i + 1 + kRing); ++j)
          out.push_back({pair_of(holdings[i].second, holdings[j].second), p, is_identity(kind)});
      }
    }
    from = to;
  }
}

std::vector<double> pair_cosines(std::span<const Point> directions) {
  base::Random random(1);
  std::vector<double> cosines;
  for (size_t i = 0; i < kPairs && directions.size() > 1; ++i) {
    const size_t a = random.below(directions.size());
    const size_t b = (a + 1 + random.below(directions.size() - 1)) % directions.size();
    cosines.push_back(dot(directions[a], directions[b]));
  }
  return cosines;
}

}  // namespace

double Link::strength() const {
  double sum = 0;
  for (const float e : evidence) sum += static_cast<double>(e);
  return sum;
}

double PairLaw::evidence_of(double p_value) {
  return std::log(0.5) - 0.5 * std::log(std::max(p_value, 1e-12));
}

double link_threshold(size_t accounts) {
  return std::max(2.0, PairLaw::evidence_of(1 / static_cast<double>(std::max<size_t>(1, accounts))));
}

PairLaw::PairLaw() : active_(profile::kHoursOfWeek, 0.5), nearness_({}), hours_({}) {}

PairLaw::PairLaw(std::span<const Trace* const> benign, std::span<const Point> directions)
    : PairLaw(share_active(benign), {}, directions) {
  base::Random random(2);
  for (size_t i = 0; i < kHoursPairs && benign.size() > 1; ++i) {
    const size_t a = random.below(benign.size());
    const size_t b = (a + 1 + random.below(benign.size() - 1)) % benign.size();
    agreements_.push_back(static_cast<float>(agreement(*benign[a], *benign[b])));
  }
  hours_ = stats::BulkTail({agreements_.begin(), agreements_.end()});
}

PairLaw::PairLaw(std::vector<double> active, std::vector<float> agreements, std::span<const Point> directions)
    : active_(std::move(active)),
      agreements_(std::move(agreements)),
      nearness_(pair_cosines(directions)),
      hours_({agreements_.begin(), agreements_.end()}) {}

// Correlation of activity over the hours of the days that both were seen on, less what the hour of the week explains.
double PairLaw::agreement(const Trace& a, const Trace& b) const {
  double both = 0, square_a = 0, square_b = 0;
  auto x = a.days.begin();
  auto y = b.days.begin();
  while (x != a.days.end() && y != b.days.end()) {
    if (x->day < y->day) {
      ++x;
    } else if (y->day < x->day) {
      ++y;
    } else {
      for (int h = 0; h < 24; ++h) {
        const double expected = active_[week_hour(x->day, h)];
        const double unit = std::sqrt(expected * (1 - expected));
        const double u = (((x->hours >> h) & 1) - expected) / unit;
        const double v = (((y->hours >> h) & 1) - expected) / unit;
        both += u * v;
        square_a += u * u;
        square_b += v * v;
      }
      ++x;
      ++y;
    }
  }
  // Shrunk: a single common day proves little.
  constexpr double kHoursPrior = 24;
  return both / (std::sqrt(square_a * square_b) + kHoursPrior);
}

double PairLaw::hours(const Trace& a, const Trace& b) const {
  return std::clamp(evidence_of(hours_.p(agreement(a, b)).value), 0.0, kTimeMost);
}

std::vector<Link> find_links(std::span<const Trace> traces, std::span<const Point> directions, const PairLaw& law,
                             const LinkOptions& options, base::Team& team) {
  const auto used = [&](LinkKind kind) { return options.use[static_cast<size_t>(kind)]; };
  std::vector<Proposal> proposals;
  if (used(LinkKind::kNearness))
    propose_by_nearness(chosen(traces, options.linked_max), directions, options.neighbours, team, proposals);
  for (const KeyKind kind : kKeyKinds) {
    if (used(is_identity(kind) ? LinkKind::kIdentity : LinkKind::kContent)) propose_by_keys(traces, kind, proposals);
  }
  std::sort(proposals.begin(), proposals.end(), [](const Proposal& x, const Proposal& y) { return x.pair < y.pair; });

  const double threshold = link_threshold(std::min(traces.size(), options.linked_max));
  const Succession succession(traces);
  std::vector<Link> links;
  for (auto it = proposals.begin(); it != proposals.end();) {
    const PairKey pair = it->pair;
    float content = 1, identity = 1;
    for (; it != proposals.end() && it->pair == pair; ++it) {
      float& least = it->identity ? identity : content;
      least = std::min(least, it->p);
    }
    Link link{static_cast<uint32_t>(pair >> 32), static_cast<uint32_t>(pair), {}};
    const Trace &a = traces[link.a], &b = traces[link.b];
    const auto say = [&](LinkKind kind, double evidence) {
      if (used(kind)) link.evidence[static_cast<size_t>(kind)] = static_cast<float>(std::max(0.0, evidence));
    };
    say(LinkKind::kNearness, law.nearness(dot(directions[link.a], directions[link.b])));
    say(LinkKind::kContent, PairLaw::evidence_of(static_cast<double>(content)));
    say(LinkKind::kIdentity, std::min(kIdentityMost, PairLaw::evidence_of(static_cast<double>(identity))));
    say(LinkKind::kHours, law.hours(a, b));
    say(LinkKind::kSuccession, std::min(kTimeMost, PairLaw::evidence_of(succession.p(a, b))));
    if (link.strength() >= threshold) links.push_back(link);
  }
  return links;
}

}  // namespace stillwatch::campaigns
