// Links: reasons to think that two accounts act as one. Nearness (their directions away from the crowd agree), rare
// shared keys, shared hours, and succession (succession.h). Each speaks by how rarely benign pairs show as much: a
// p-value p becomes the evidence log(p^-1/2 / 2), the logarithm of an e-value (Vovk and Wang 2021, eq. 1 with kappa
// 1/2): a likelihood ratio that benign pairs exceed no more often than it says. Independent evidence adds up.
//
// Nearness and keys propose pairs; hours and succession only add, each up to 2. Networks and clients are identity:
// together they count for less than a link needs, so that they never make one. Nearest neighbours are exact among at
// most `linked_max` accounts, chosen by the hash of their names; larger populations are reached by recruiting
// (group.h), which is linear.
//
// Thread rule: pure functions. Cost: linked_max^2 / 2 inner products, else linear.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "base/team.h"
#include "campaigns/space.h"
#include "stats/conformal.h"

namespace stillwatch::campaigns {

enum class LinkKind : uint8_t { kNearness, kContent, kIdentity, kHours, kSuccession };
constexpr size_t kLinkKinds = 5;

struct Link {
  uint32_t a = 0;
  uint32_t b = 0;
  std::array<float, kLinkKinds> evidence{};  // of each kind
  double strength() const;
};

struct LinkOptions {
  std::array<bool, kLinkKinds> use{true, true, true, true, true};
  size_t linked_max = 16'384;
  size_t neighbours = 24;
};

// How near two benign accounts come, and how much they share hours, by chance.
class PairLaw {
 public:
  PairLaw();
  PairLaw(std::span<const Trace* const> benign, std::span<const Point> directions);
  double nearness(double cosine) const { return evidence_of(nearness_.p(cosine).value); }
  double hours(const Trace& a, const Trace& b) const;
  static double evidence_of(double p_value);

 private:
  friend class ReferenceText;
  PairLaw(std::vector<double> active, std::vector<float> agreements, std::span<const Point> directions);
  double agreement(const Trace& a, const Trace& b) const;
  std::vector<double> active_;     // by hour of the week: share of accounts active in it
  std::vector<float> agreements_;  // of benign pairs
  stats::BulkTail nearness_;
  stats::BulkTail hours_;
};

// What a link needs among so many accounts: beyond it, an account has one by chance, about.
double link_threshold(size_t accounts);

std::vector<Link> find_links(std::span<const Trace> traces, std::span<const Point> directions, const PairLaw& law,
                             const LinkOptions& options, base::Team& team);

}  // namespace stillwatch::campaigns
