#include "problems/structure.h"

#include <algorithm>
#include <array>
#include <utility>

namespace stillwatch::problems {
namespace {

using enum Part;

constexpr std::array<std::string_view, kParts> kNames = {
    "has",   "purse", "boxes", "dozens", "wages", "weeks", "table", "gain",   "lose", "packs", "dozen", "weekly",
    "times", "more",  "fewer", "share",  "sell",  "pay",   "make",  "afford", "menu", "left",  "both",  "gap"};

constexpr std::array<Part, 7> kStarts = {kHas, kPurse, kBoxes, kDozens, kWages, kWeeks, kTable};
constexpr std::array<Part, 14> kOperations = {kGain,  kLose,  kPacks, kDozen, kWeekly, kTimes,  kMore,
                                              kFewer, kShare, kSell,  kPay,   kMake,   kAfford, kMenu};

// About one in seven of the pairs that can be, each part at most twice on either side. Starts and questions are among
// them: a problem of one operation can be held out too.
constexpr std::array<std::pair<Part, Part>, 26> kHeldOut = {{
    {kHas, kTimes},   {kPurse, kAfford}, {kBoxes, kShare}, {kDozens, kSell}, {kWages, kMenu},  {kWeeks, kMore},
    {kTable, kGain},  {kGain, kPacks},   {kGain, kShare},  {kLose, kTimes},  {kLose, kMenu},   {kPacks, kSell},
    {kPacks, kFewer}, {kDozen, kMore},   {kWeekly, kLose}, {kTimes, kGain},  {kTimes, kBoth},  {kMore, kLose},
    {kMore, kPacks},  {kFewer, kAfford}, {kFewer, kDozen}, {kShare, kTimes}, {kSell, kWeekly}, {kPay, kMore},
    {kMake, kFewer},  {kMenu, kShare},
}};

bool held_out(Part first, Part second) {
  return std::find(kHeldOut.begin(), kHeldOut.end(), std::pair(first, second)) != kHeldOut.end();
}

bool changes_unit(Part part) {
  return part == kSell || part == kPay || part == kMake || part == kAfford;
}

template <size_t N>
Part any_of(const std::array<Part, N>& parts, base::Random& random) {
  return parts[random.below(N)];
}

// A walk, of either split.
Structure walk(int level, base::Random& random) {
  Structure structure = {any_of(kStarts, random)};
  Unit unit = unit_after(structure[0], Unit::kItems);
  bool two_persons = false;
  const auto step = [&](Part part) {
    structure.push_back(part);
    two_persons = compares(part) || (two_persons && !changes_unit(part));
    unit = unit_after(part, unit);
  };
  // None twice, which would read like a list.
  const auto operation = [&] {
    Part part = any_of(kOperations, random);
    while (!applies_to(part, unit) || std::find(structure.begin(), structure.end(), part) != structure.end())
      part = any_of(kOperations, random);
    return part;
  };
  for (int i = 0; i + 1 < level; ++i) step(operation());
  // What is asked about two persons is the last operation.
  const Part last = structure.back();
  if (two_persons && random.chance(0.5)) {
    const bool plain = last == kMore || last == kFewer;  // their difference is what the text just said
    structure.push_back(plain || random.chance(0.5) ? kBoth : kGap);
    return structure;
  }
  step(operation());
  structure.push_back(kLeft);
  return structure;
}

}  // namespace

std::string_view name_of(Part part) {
  return kNames[static_cast<size_t>(part)];
}

std::string name_of(const Structure& structure) {
  std::string name;
  for (const Part part : structure) name.append(name.empty() ? "" : " ").append(name_of(part));
  return name;
}

Split split_of(const Structure& structure) {
  for (size_t i = 1; i < structure.size(); ++i) {
    if (held_out(structure[i - 1], structure[i])) return Split::kTest;
  }
  return Split::kTrain;
}

Structure draw_structure(Split split, int level, base::Random& random) {
  while (true) {
    Structure structure = walk(level, random);
    if (split_of(structure) == split) return structure;
  }
}

bool applies_to(Part part, Unit unit) {
  switch (part) {
    case kDozen:
    case kSell:
      return unit == Unit::kItems;
    case kWeekly:
    case kAfford:
    case kMenu:
      return unit == Unit::kCoins;
    case kPay:
    case kMake:
      return unit == Unit::kDays;
    case kShare:
      return unit != Unit::kDays;
    default:
      return true;
  }
}

Unit unit_after(Part part, Unit unit) {
  switch (part) {
    case kHas:
    case kBoxes:
    case kDozens:
    case kTable:
    case kMake:
    case kAfford:
      return Unit::kItems;
    case kPurse:
    case kWages:
    case kSell:
    case kPay:
      return Unit::kCoins;
    case kWeeks:
      return Unit::kDays;
    default:
      return unit;
  }
}

bool compares(Part part) {
  return part == kTimes || part == kMore || part == kFewer;
}

}  // namespace stillwatch::problems
