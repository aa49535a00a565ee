// What benign accounts look like when campaigns are searched among them: the space of their variation, their points in
// it, how near pairs of them come, and which way groups grown around them lean and what they score, by size. Made from
// benign traffic by `calibrate`, kept as the second line of a baseline file.
//
// What a group's accounts are used for moves its score, benign or not: benign coding agents together look more like a
// harvest than people do. So a group is judged by how far it exceeds the median of the benign groups that lean most
// like it. Those are grown among one half of the benign accounts, and the rank is among the excesses of groups that are
// grown among the other: a split conformal p-value by the residual of a nearest neighbours' regression (Papadopoulos,
// Vovk and Gammerman 2011; Lei et al. 2018), right over all benign groups whatever the regression is worth.
//
// Text form: JSON, docs/formats/baseline.md. Thread rule: const methods are reentrant. Bounds: kPointsMax points,
// kSeedsMax groups of a size.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "campaigns/group.h"
#include "campaigns/links.h"

namespace stillwatch::campaigns {

// Accounts to look for campaigns among, or benign ones to judge by. What summary_of gives may be later than the traces
// by some exchanges.
struct Accounts {
  std::vector<Trace> traces;
  SummaryOf summary_of;
};

class Reference {
 public:
  static constexpr size_t kAccountsMin = 100;
  static constexpr size_t kPointsMax = 16'000;  // chosen by the hash of names
  static constexpr size_t kSeedsMax = 4000;     // of them, groups are grown among and around; twice

  // Fails for fewer than kAccountsMin accounts.
  static base::Result<Reference> of(const Accounts& benign, const signals::Baseline& baseline,
                                    bool complementarity = true, unsigned threads = 1);
  static base::Result<Reference> parse(std::string_view text);
  std::string to_json() const;

  const Space& space() const { return space_; }
  std::span<const Point> points() const { return points_; }
  const Whitening& whitening() const { return whitening_; }
  std::span<const Point> turned() const { return turned_; }
  const PairLaw& pairs() const { return pairs_; }

  // The largest size up to `size` for which there are benign groups.
  size_t comparable(size_t size) const;
  // How often a group of that size grown around a benign account exceeds what is usual for groups that lean like it by
  // as much as this one does. REQUIRES: size from comparable().
  stats::PValue p(double score, const Point& lean, size_t size) const;

 private:
  friend class ReferenceText;
  void turn();
  void index();

  Space space_;
  std::vector<Point> points_;
  Whitening whitening_;
  std::vector<Point> turned_;  // points_, by whitening_
  PairLaw pairs_;
  std::vector<Point> leans_;                       // of the groups that say what is usual,
  std::map<size_t, std::vector<float>> scores_;    // theirs, by size
  std::map<size_t, std::vector<float>> excesses_;  // of other groups, over what is usual
  std::map<size_t, stats::ConformalTail> tails_;
};

}  // namespace stillwatch::campaigns
