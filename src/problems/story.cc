#include "problems/story.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "problems/working.h"

namespace stillwatch::problems {
namespace {

using enum Part;

constexpr std::array<std::string_view, 20> kPersons = {"Tom", "Ann",  "Sam",  "Eva",  "Ben",  "Mia", "Max",
                                                       "Lea", "Tim",  "Ida",  "Leo",  "Zoe",  "Jon", "Amy",
                                                       "Kai", "Nina", "Paul", "Ruth", "Carl", "Lucy"};
constexpr std::array<std::string_view, 20> kThings = {"apple", "pen",  "cup",  "card",  "shell", "stamp", "egg",
                                                      "nut",   "bead", "book", "rose",  "key",   "stone", "cake",
                                                      "toy",   "ring", "bell", "brush", "ball",  "lamp"};

std::string plural(std::string_view thing) {
  return fmt::format("{}{}", thing, thing.ends_with("sh") ? "es" : "s");
}

class Story {
 public:
  explicit Story(base::Random& random) : random_(random) {
    persons_ = kPersons;
    things_ = kThings;
    random_.shuffle(std::span<std::string_view>(persons_));
    random_.shuffle(std::span<std::string_view>(things_));
  }

  std::optional<Problem> tell(const Structure& structure) {
    for (const Part part : structure) {
      begin_step(part);
      add(part);
      if (!good_) return std::nullopt;
      end_step();
      unit_ = unit_after(part, unit_);
    }
    return Problem{prices_text_ + text_, work_, std::to_string(value_), name_of(structure),
                   static_cast<int>(structure.size()) - (structure.back() == kLeft ? 2 : 1)};
  }

 private:
  // Numbers.
  int between(int low, int high) {
    if (high < low) good_ = false;
    const int choices = high - low + 1;
    return good_ ? low + static_cast<int>(random_.below(static_cast<uint64_t>(choices))) : 1;
  }
  int factor() { return between(2, 6); }
  int amount(int max) { return between(2, std::min(max, 40)); }
  int pack() { return between(3, 12); }
  int divisor() {
    std::vector<int> divisors;
    for (int k = 2; k <= 6; ++k) {
      if (value_ % k == 0 && value_ / k > 1) divisors.push_back(k);
    }
    if (divisors.empty()) good_ = false;
    return good_ ? divisors[random_.below(divisors.size())] : 1;
  }

  // Working: each gives its result and writes how it came about.
  int work(int a, char sign, int b, int result) {
    good_ = good_ && result >= 1 && result <= kNumberMax;
    if (good_) step_ += (step_.empty() ? "" : ", ") + worked(a, sign, b);
    return result;
  }
  int plus(int a, int b) { return work(a, '+', b, a + b); }
  int minus(int a, int b) { return work(a, '-', b, a - b); }
  int times(int a, int b) { return work(a, '*', b, a * b); }
  int over(int a, int b) { return work(a, '/', b, a / b); }
  // What was looked up, in the question's own words: every number that is worked with is seen to come from somewhere.
  void look_up(std::string_view name, int number) { step_ += fmt::format("{} {}", name, number); }

  void begin_step(Part part) {
    step_.clear();
    label_ = part == kTable ? "Table:" : part == kBoth ? "together" : part == kGap ? "difference" : "";
  }
  void end_step() {
    if (step_.empty()) return;
    work_ += fmt::format("{}{} {}.", work_.empty() ? "" : " ", label_.empty() ? owner() : label_, step_);
  }

  // Words.
  std::string_view owner() const { return persons_[owner_]; }
  std::string_view thing() const { return things_[thing_]; }
  std::string units() const { return unit_ == Unit::kItems ? plural(thing()) : coins() ? "coins" : "days"; }
  bool coins() const { return unit_ == Unit::kCoins; }
  bool days() const { return unit_ == Unit::kDays; }
  template <typename... Values>
  void say(fmt::format_string<Values...> form, Values&&... values) {
    text_ += fmt::format("{}{}", text_.empty() ? "" : " ", fmt::format(form, std::forward<Values>(values)...));
  }
  std::string_view next_person() {
    other_ = owner_;
    other_value_ = value_;
    return persons_[++owner_];
  }
  // The price of one of three things, told before all else.
  struct Price {
    std::string things;
    int coins = 0;
  };
  Price price() {
    if (prices_.empty()) {
      for (size_t i = 0; i < 3; ++i) prices_.push_back({plural(things_[kThings.size() - 1 - i]), factor()});
      prices_text_ = fmt::format("Prices: {} {}, {} {}, {} {}. ", prices_[0].things, prices_[0].coins,
                                 prices_[1].things, prices_[1].coins, prices_[2].things, prices_[2].coins);
    }
    return prices_[random_.below(prices_.size())];
  }

  void add(Part part);
  void start(Part part);
  void compare(Part part);
  void convert(Part part);
  void ask(Part part);

  base::Random& random_;
  std::array<std::string_view, kPersons.size()> persons_{};
  std::array<std::string_view, kThings.size()> things_{};
  std::vector<Price> prices_;
  std::string prices_text_, text_, work_, step_;
  std::string_view label_;
  bool good_ = true;
  int value_ = 0;
  Unit unit_ = Unit::kItems;
  size_t owner_ = 0, other_ = 0, thing_ = 0;
  int other_value_ = 0;
};

void Story::start(Part part) {
  switch (part) {
    case kHas:
      value_ = amount(kNumberMax);
      return say("{} has {} {}.", owner(), value_, units());
    case kPurse:
      value_ = amount(kNumberMax);
      return say("{} has {} coins.", owner(), value_);
    case kBoxes: {
      const int k = factor(), b = pack();
      say("{} has {} boxes of {} {}.", owner(), k, b, units());
      value_ = times(k, b);
      return;
    }
    case kDozens: {
      const int k = factor();
      say("{} has {} dozen {}.", owner(), k, units());
      value_ = times(k, 12);
      return;
    }
    case kWages: {
      const int h = factor(), r = pack();
      say("{} works {} hours for {} coins an hour.", owner(), h, r);
      value_ = times(h, r);
      return;
    }
    case kWeeks: {
      const int w = between(2, 9), d = between(2, 6);
      say("{} works {} weeks and {} days.", owner(), w, d);
      value_ = plus(times(w, 7), d);
      return;
    }
    default: {  // kTable
      const std::array<int, 3> counts = {amount(kNumberMax), amount(kNumberMax), amount(kNumberMax)};
      say("Table of {}: {} {}, {} {}, {} {}.", units(), persons_[0], counts[0], persons_[1], counts[1], persons_[2],
          counts[2]);
      const size_t row = random_.below(3);
      value_ = counts[row];
      look_up(persons_[row], value_);
      std::swap(persons_[row], persons_[2]);  // the others are not to come again
      owner_ = 2;
    }
  }
}

void Story::compare(Part part) {
  const std::string_view before = owner();
  const std::string_view person = next_person();
  if (part == kTimes) {
    const int k = factor();
    days() ? say("{} works {} times as long as {}.", person, k, before)
           : say("{} has {} times as many {} as {}.", person, k, units(), before);
    value_ = times(value_, k);
  } else {
    const bool more = part == kMore;
    const int a = amount(more ? kNumberMax - value_ : value_ - 1);
    days() ? say("{} works {} days {} than {}.", person, a, more ? "more" : "less", before)
           : say("{} has {} {} {} than {}.", person, a, more ? "more" : "fewer", units(), before);
    value_ = more ? plus(value_, a) : minus(value_, a);
  }
}

void Story::convert(Part part) {
  const int k = part == kSell || part == kPay ? factor() : divisor();
  if (part == kSell) say("{} sells all {} for {} coins each.", owner(), units(), k);
  if (part == kPay) say("{} gets {} coins a day.", owner(), k);
  if (part == kMake) say("In this time {} makes one {} every {} days.", owner(), thing(), k);
  if (part == kAfford) {
    ++thing_;
    say("{} spends all coins on {} at {} coins each.", owner(), plural(thing()), k);
  }
  value_ = part == kSell || part == kPay ? times(value_, k) : over(value_, k);
}

void Story::ask(Part part) {
  if (part == kLeft) {
    days() ? say("How many days does {} work?", owner()) : say("How many {} does {} have?", units(), owner());
  } else if (part == kBoth) {
    say("How many {} do {} and {} {} together?", units(), persons_[other_], owner(), days() ? "work" : "have");
    value_ = plus(other_value_, value_);
  } else {
    say("What is the difference in {} between {} and {}?", units(), persons_[other_], owner());
    value_ = minus(std::max(other_value_, value_), std::min(other_value_, value_));
  }
}

void Story::add(Part part) {
  switch (part) {
    case kGain: {
      const int a = amount(kNumberMax - value_);
      days() ? say("{} works {} more days.", owner(), a)
             : say("{} {} {} more {}.", owner(), coins() ? "earns" : "finds", a, units());
      value_ = plus(value_, a);
      return;
    }
    case kLose: {
      const int a = amount(value_ - 1);
      days() ? say("{} rests for {} of the days.", owner(), a)
             : say("{} {} {} {}.", owner(), coins() ? "spends" : "gives away", a, units());
      value_ = minus(value_, a);
      return;
    }
    case kPacks: {
      const int k = factor(), b = pack();
      days() ? say("{} works {} rounds of {} days.", owner(), k, b)
             : say("{} {} {} {} of {} {}.", owner(), coins() ? "finds" : "buys", k, coins() ? "bags" : "boxes", b,
                   units());
      const int packs = times(k, b);
      value_ = plus(value_, packs);
      return;
    }
    case kDozen: {
      const int k = factor();
      say("{} buys {} dozen {}.", owner(), k, units());
      const int dozen = times(k, 12);
      value_ = plus(value_, dozen);
      return;
    }
    case kWeekly: {
      const int d = between(2, 4), k = between(2, 3);
      say("{} gets {} coins a day for {} weeks.", owner(), d, k);
      const int coins = times(times(k, 7), d);
      value_ = plus(value_, coins);
      return;
    }
    case kShare: {
      const int k = divisor();
      say("{} puts the {} into {} equal piles and keeps one.", owner(), units(), k);
      value_ = over(value_, k);
      return;
    }
    case kMenu: {
      const Price p = price();
      const int k = factor();
      say("{} buys {} {}.", owner(), k, p.things);
      look_up(fmt::format("buys {} {}", k, p.things), p.coins);
      const int cost = times(k, p.coins);
      value_ = minus(value_, cost);
      return;
    }
    case kTimes:
    case kMore:
    case kFewer:
      return compare(part);
    case kSell:
    case kPay:
    case kMake:
    case kAfford:
      return convert(part);
    case kLeft:
    case kBoth:
    case kGap:
      return ask(part);
    default:
      return start(part);
  }
}

}  // namespace

std::optional<Problem> tell(const Structure& structure, base::Random& random) {
  return Story(random).tell(structure);
}

}  // namespace stillwatch::problems
