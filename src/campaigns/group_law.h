// What benign groups score, and how rarely one scores as much as a given group does.
//
// What a group's accounts are used for moves its score, benign or not: benign coding agents together look more like a
// harvest than people do. So a group is judged by its excess over the median of the benign groups that lean most like
// it, at every size that it has, each in units of how far benign groups are from that median, all of them averaged: one
// size alone is a benign class's luck more easily than all are. Medians and units are of some benign groups, and the
// rank is among the averages of others: a split conformal p-value by the normalised residual of a nearest neighbours'
// regression (Papadopoulos, Vovk and Gammerman 2011; Lei et al. 2018). For a group exchangeable with those others
// P(p <= a) <= a, whatever the regression is worth and however many sizes the group has.
//
// Thread rule: const methods are reentrant. Cost of a p-value: linear in benign groups.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "base/team.h"
#include "campaigns/space.h"
#include "stats/conformal.h"

namespace stillwatch::campaigns {

struct GroupSample {
  Point lean;                  // of length 1
  std::vector<double> scores;  // at each size, the smallest first
};

class GroupLaw {
 public:
  GroupLaw() = default;
  // `usual` say what is usual, `others` how far benign groups are from it. REQUIRES: sizes increase, there are groups
  // of both, all have a score for each size.
  GroupLaw(std::span<const size_t> sizes, std::span<const GroupSample> usual, std::span<const GroupSample> others,
           base::Team& team);

  // The sizes up to `size` of which there are benign groups, smallest first.
  std::vector<size_t> comparable(size_t size) const;
  // REQUIRES: a score for each of the first sizes, one at least.
  stats::PValue p(const GroupSample& group) const;

 private:
  friend class ReferenceText;
  struct OfSize {
    static constexpr double kUnitMin = 1e-3;
    std::vector<float> scores;    // of the groups that say what is usual
    double unit = 1;              // how far they are from it: root mean square, kUnitMin at least
    std::vector<float> excesses;  // of others, on average over the sizes up to this
  };
  void index();
  // On average over the first size, the first two, and so on.
  std::vector<double> excesses(const GroupSample& group) const;

  std::vector<Point> leans_;  // of the groups that say what is usual
  std::map<size_t, OfSize> sizes_;
  std::vector<stats::ConformalTail> tails_;  // of excesses, by size
};

}  // namespace stillwatch::campaigns
