// A group of accounts: whom it takes in, and what it looks like when all of them are one subject.
//
// A community gives a direction: the mean of its members' points. An account leans that way by its projection, less
// what it gave to the mean itself. Accounts join while the share of them that chance alone would bring stays below
// kStrangersMax (Benjamini and Hochberg 1995, on p-values against how benign accounts lean), so a group finds members
// that no link reached. That may be kFewStrangers accounts, or kStrangersOfManyMax where that is more: a large group
// can do without those who are hardest to tell from others, and honest accounts are counted by heads. Where nobody
// passes and accounts are more than four times the benign ones, too few to resolve so small a chance,
// kStrangersUnresolved holds instead. Cost: linear in accounts.
//
// Members are pooled with merge and measured by the same signals as an account, those apart that speak of one client or
// one person's day: the members that lean most, as many as benign groups have, at every such size.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "campaigns/space.h"
#include "signals/baseline.h"

namespace stillwatch::campaigns {

constexpr double kStrangersMax = 0.01;
constexpr double kStrangersOfManyMax = 0.004;
constexpr double kFewStrangers = 4;
constexpr double kStrangersUnresolved = 0.05;
constexpr size_t kGroupMin = 8;

// The summary of an account of the caller's, by its place among them; null if it cannot be had.
using SummaryOf = std::function<std::shared_ptr<const profile::Summary>(uint32_t account)>;

// The direction of the mean of `members`: which way they lean.
Point lean_of(std::span<const Point> points, std::span<const uint32_t> members);
// All accounts' leanings towards the mean of `core`.
std::vector<double> leanings(std::span<const Point> points, std::span<const uint32_t> core);
// The `count` of them that lean most, those first that lean most.
std::vector<uint32_t> most_leaning(const std::vector<double>& leanings, size_t count);

// The group grown from `core`, who lean most first; `benign` are points of accounts that are not suspected.
std::vector<uint32_t> recruit(std::span<const Point> points, std::span<const Point> benign, std::vector<uint32_t> core);

// Of one client, or of one person's hours: a pool has neither, and its score leaves these signals out.
bool of_one(signals::Signal signal);

struct GroupScore {
  double score = 0;    // what the pooled signals say
  double overlap = 0;  // share of the members' distinct prompts that another member has sent as well
  signals::Values values{};
  int look = 0;
};
// Of the first `sizes[0]` of the members, the first `sizes[1]`, and so on. REQUIRES: sizes increase up to members' at
// most.
std::vector<GroupScore> scores_of(std::span<const uint32_t> members, std::span<const size_t> sizes,
                                  const SummaryOf& summary_of, const signals::Baseline& baseline);

}  // namespace stillwatch::campaigns
