#include "student.h"

#include <algorithm>

#include "base/hash.h"

namespace stillwatch::bench {
namespace {

constexpr watermark::Unit kEnd = 0;
constexpr double kBackOff = 0.2;  // how often a shorter context is used although a longer one is known

uint64_t context_of(const std::vector<watermark::Unit>& text, size_t at, size_t length) {
  uint64_t hash = length;
  for (size_t i = 0; i < length; ++i) hash = base::combine(hash, at > i ? text[at - 1 - i] : kEnd);
  return hash;
}

}  // namespace

void Student::Followers::add(watermark::Unit unit) {
  ++total;
  const auto it = std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.first == unit; });
  if (it == counts.end()) {
    counts.emplace_back(unit, 1);
  } else {
    ++it->second;
  }
}

watermark::Unit Student::Followers::draw(base::Random& random) const {
  uint64_t left = random.below(total);
  for (const auto& [unit, count] : counts) {
    if (left < count) return unit;
    left -= count;
  }
  return kEnd;
}

void Student::learn(const std::vector<watermark::Unit>& text) {
  for (size_t at = 0; at <= text.size(); ++at) {
    for (size_t length = 1; length <= 2; ++length)
      after_[context_of(text, at, length)].add(at < text.size() ? text[at] : kEnd);
  }
}

std::vector<watermark::Unit> Student::write(size_t words_max, base::Random& random) const {
  std::vector<watermark::Unit> text;
  while (text.size() < words_max) {
    const auto pair = after_.find(context_of(text, text.size(), 2));
    const bool longer = pair != after_.end() && !random.chance(kBackOff);
    const auto used = longer ? pair : after_.find(context_of(text, text.size(), 1));
    if (used == after_.end()) break;
    const watermark::Unit unit = used->second.draw(random);
    if (unit == kEnd) break;
    text.push_back(unit);
  }
  return text;
}

}  // namespace stillwatch::bench
