// One account takes over from another: it begins when the other has ended. Where many accounts come and go, every end
// has a beginning close by, so what counts is how few others begin, and end, in between: the p-value of a pair is
// twice the larger of the shares of accounts that begin, and that end, from the one's last exchange to the other's
// first, both included. For a given end and a beginning drawn from all of them, P(share <= a) <= a: it is a rank; and
// either of two accounts could have been the first. The one that begins next after an end has p = 2 / accounts by that
// choice alone, so succession adds to links and proposes none.
//
// The crowd that is looked at is its own law: nothing of it is learnt from honest traffic. Thread rule: const methods
// are reentrant. Cost: a sort of all accounts; of a pair two binary searches each.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "campaigns/trace.h"

namespace stillwatch::campaigns {

class Succession {
 public:
  explicit Succession(std::span<const Trace> traces);
  // Of two of these accounts, in either order; 1 if both were seen at a time.
  double p(const Trace& a, const Trace& b) const;

 private:
  std::vector<int64_t> begins_;  // increasing
  std::vector<int64_t> ends_;
};

}  // namespace stillwatch::campaigns
