// What benign accounts look like when campaigns are searched among them: the space of their variation, their points in
// it, how near pairs of them come, and what groups grown around them score (group_law.h), those that say what is usual
// among one half of the accounts, those that are ranked among the other. Made from benign traffic by `calibrate`, kept
// as the second line of a baseline file.
//
// Text form: JSON, docs/formats/baseline.md. Thread rule: const methods are reentrant. Bounds: kPointsMax points,
// kSeedsMax groups of a size.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "campaigns/group.h"
#include "campaigns/group_law.h"
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
  static base::Result<Reference> of(const Accounts& benign, const signals::Baseline& baseline, unsigned threads = 1);
  static base::Result<Reference> parse(std::string_view text);
  std::string to_json() const;

  const Space& space() const { return space_; }
  std::span<const Point> points() const { return points_; }
  const Whitening& whitening() const { return whitening_; }
  std::span<const Point> turned() const { return turned_; }
  const PairLaw& pairs() const { return pairs_; }
  const GroupLaw& groups() const { return groups_; }

 private:
  friend class ReferenceText;
  void turn();

  Space space_;
  std::vector<Point> points_;
  Whitening whitening_;
  std::vector<Point> turned_;  // points_, by whitening_
  PairLaw pairs_;
  GroupLaw groups_;
};

}  // namespace stillwatch::campaigns
