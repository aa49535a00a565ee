// Whom a policy would have hit, over accounts that stand as they stood: what to look at before anything is enforced.
//
// Evidence only grows and so does exposure, so whoever a policy would have hit at any time it hits at the end. What a
// rung does in mode `off` is nothing; in every other mode it is shown as what it would do, and beside that what is
// enforced. Thread rule: pure functions.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "verdict/policy.h"

namespace stillwatch::verdict {

struct ReplaySubject {
  std::string account;
  std::string group;  // a class of accounts that has its own line, such as a benign one
  Standing standing;  // its account is ignored: the one above counts
  uint64_t exchanges = 0;
};

struct ReplayTally {
  uint64_t accounts = 0;
  uint64_t exchanges = 0;
  uint64_t hit = 0;       // by any rung
  uint64_t enforced = 0;  // by any rung in mode enforce
  uint64_t exchanges_hit = 0;
  std::array<uint64_t, kRungs> by_rung{};
};

struct ReplayHit {
  size_t subject = 0;    // index of it
  uint8_t rungs = 0;     // bits by Rung: decided, whatever the mode
  uint8_t enforced = 0;  // of these, in mode enforce
};

struct Replay {
  ReplayTally all;
  std::map<std::string, ReplayTally> groups;
  std::vector<ReplayHit> hits;  // in the order of the subjects
};

Replay replay(const Policy& policy, std::span<const ReplaySubject> subjects);

// Subjects to whom the two do different things, rung by rung.
struct ReplayChange {
  size_t subject = 0;
  uint8_t gone = 0;  // bits by Rung: by the first only
  uint8_t come = 0;  // by the second only
};
std::vector<ReplayChange> changes(const Replay& first, const Replay& second);

std::string rungs_text(uint8_t bits);  // "delay, refuse"

}  // namespace stillwatch::verdict
