// What a word problem asks for, apart from its names and numbers: a way to start, one to four operations on the
// quantity at hand, and a question. Its name is the names of these joined by blanks: "boxes times sell left".
//
// Training and test problems are told apart by structure. A fixed list of pairs of parts is held out: no training
// problem has two such parts in succession, every test problem has. Every part stands in training problems, before
// others and after others. So a test problem composes known steps in a way that was never seen.
//
// Thread rule: pure functions of their stream.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace stillwatch::problems {

enum class Part : uint8_t {
  // Starts.
  kHas,     // v items
  kPurse,   // v coins
  kBoxes,   // k boxes of b items
  kDozens,  // k dozen items
  kWages,   // h hours at r coins an hour
  kWeeks,   // w weeks and d days
  kTable,   // items of three persons, in a table
  // Operations.
  kGain,    // + a
  kLose,    // - a
  kPacks,   // + k * b
  kDozen,   // + k * 12
  kWeekly,  // + k * 7 * d: coins a day for weeks
  kTimes,   // another person has k times as many
  kMore,    // another person has a more
  kFewer,   // another person has a fewer
  kShare,   // / k
  kSell,    // items to coins, * p
  kPay,     // days to coins, * p
  kMake,    // days to items, one every k days
  kAfford,  // coins to items, p coins each
  kMenu,    // - k * a price to look up in a table
  // Questions.
  kLeft,  // the quantity
  kBoth,  // two persons' quantities together
  kGap,   // the difference between them
};
constexpr size_t kParts = 24;
constexpr int kLevelMax = 4;

enum class Unit : uint8_t { kItems, kCoins, kDays };
enum class Split : uint8_t { kTrain, kTest };

// A start, operations, a question.
using Structure = std::vector<Part>;

std::string_view name_of(Part part);
std::string name_of(const Structure& structure);
Split split_of(const Structure& structure);

// Of that many operations (a question about two persons counts as one). REQUIRES: 1 <= level <= kLevelMax.
Structure draw_structure(Split split, int level, base::Random& random);

// Whether `part` can follow where the quantity at hand is in `unit`, and the unit afterwards. `unit` is of no matter
// for a start.
bool applies_to(Part part, Unit unit);
Unit unit_after(Part part, Unit unit);
// It brings in another person, whose quantity is the one at hand from there on.
bool compares(Part part);

}  // namespace stillwatch::problems
