#include "profile/summary.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "features/joint.h"

namespace stillwatch::profile {
namespace {

// Goes round beyond kJointlyMax prompts, which keeps the merge associative.
int32_t sum_of(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}

}  // namespace

size_t size_bin(uint32_t size) {
  if (size <= 1) return 0;
  return std::min<size_t>(kSizeBins - 1, static_cast<size_t>(2 * std::log2(static_cast<double>(size))));
}

double size_of_bin(size_t bin) {
  return std::exp2((static_cast<double>(bin) + 0.5) / 2);
}

size_t depth_bin(uint32_t depth) {
  if (depth <= 2) return depth;
  size_t bin = 3;
  for (uint32_t top = 4; bin < kDepthBins - 1 && depth > top; top *= 2) ++bin;
  return bin;
}

void ActiveHours::add(base::Time time) {
  const int64_t hour = base::to_ms(time) / base::kHourMs;
  add(Day{static_cast<int32_t>(hour / 24), 1u << (hour % 24)});
}

void ActiveHours::merge(const ActiveHours& other) {
  for (const Day& day : other.days_) add(day);
}

void ActiveHours::add(Day day) {
  auto it = std::lower_bound(days_.begin(), days_.end(), day.day, [](const Day& d, int32_t at) { return d.day < at; });
  if (it != days_.end() && it->day == day.day) {
    it->hours |= day.hours;
    return;
  }
  const int32_t newest = days_.empty() ? day.day : std::max(days_.back().day, day.day);
  const int32_t oldest = newest - static_cast<int32_t>(kDaysKept) + 1;
  if (day.day < oldest) return;
  const auto offset = it - days_.begin();
  if (days_.size() == days_.capacity()) days_.reserve(std::min(kDaysKept, 2 * days_.size() + 2) + 1);
  days_.insert(days_.begin() + offset, day);
  const auto kept = std::find_if(days_.begin(), days_.end(), [&](const Day& d) { return d.day >= oldest; });
  days_.erase(days_.begin(), kept);
}

void ActiveHours::write(base::Writer& out) const {
  out.varint(days_.size());
  for (const Day& day : days_) {
    out.varint(static_cast<uint64_t>(day.day));
    out.varint(day.hours);
  }
}

bool ActiveHours::read(base::Reader& in) {
  days_.clear();
  const uint64_t n = in.varint();
  if (n > kDaysKept) return false;
  for (uint64_t i = 0; i < n; ++i) {
    const uint64_t day = in.varint();
    const uint64_t hours = in.varint();
    if (in.failed() || day > 200'000 || hours == 0 || hours >= (1u << 24)) return false;
    if (!days_.empty() && static_cast<int32_t>(day) <= days_.back().day) return false;
    days_.push_back({static_cast<int32_t>(day), static_cast<uint32_t>(hours)});
  }
  return days_.empty() || days_.back().day - days_.front().day < static_cast<int32_t>(kDaysKept);
}

void Summary::add(const features::Features& f) {
  if (!f.answered) {
    ++failed;
    return;
  }
  if (f.part == dialect::Part::kAnswer) {  // its request was counted when it was handed in
    output_tokens += f.output_tokens;
    output.add(size_bin(f.output_tokens), 1);
    return;
  }
  const int64_t now = base::to_ms(f.time);
  first_ms = exchanges == 0 ? now : std::min(first_ms, now);
  last_ms = exchanges == 0 ? now : std::max(last_ms, now);
  ++exchanges;
  refused += f.refused;
  output_tokens += f.output_tokens;
  context_tokens += f.context_tokens;

  if (f.meaningful) {
    ++meaningful;
    for (size_t i = 0; i < f.spectrum.size(); ++i) spectrum[i] += f.spectrum[i];
    ++jointly;
    const features::Spectrum waves = features::joint_spectrum(f);
    for (size_t i = 0; i < joint.size(); ++i) joint[i] = sum_of(joint[i], waves[i]);
    cells.add(f.cell, 1);
    prompts.add(f.prompt);
    prompt_sample.add(f.prompt);
    for (uint32_t i = 0; i < f.shingle_count; ++i) shingles.add(f.shingles[i]);
    shingle_count += f.shingle_count;
    edges.add(f.opening);
    edges.add(base::combine(f.closing, 2));
    opening_sample.add(f.opening);
    scripts.add(static_cast<size_t>(f.script), 1);
    prompt_words.add(size_bin(f.prompt_words), 1);
  }
  if (f.system != 0) systems.add(f.system);
  for (size_t k = 0; k < features::kKinds; ++k) kinds.add(k, (f.kinds >> k) & 1);
  for (size_t t = 0; t < features::kTraits; ++t) traits.add(t, (f.traits >> t) & 1);
  context.add(size_bin(f.context_tokens), 1);
  if (f.part == dialect::Part::kWhole) output.add(size_bin(f.output_tokens), 1);
  depth.add(depth_bin(f.depth), 1);
  // 1970-01-01 was a Thursday; hour 0 is Monday midnight.
  hours_of_week.add(static_cast<size_t>((now / base::kHourMs + 72) % static_cast<int64_t>(kHoursOfWeek)), 1);
  active.add(f.time);
  if (f.network != 0) {
    networks.add(f.network);
    network_sample.add(f.network);
  }
  if (f.client != 0) {
    clients.add(f.client);
    client_sample.add(f.client);
  }
  if (f.user != 0) users.add(f.user);
}

void Summary::merge(const Summary& other) {
  failed += other.failed;
  if (other.exchanges == 0) return;
  first_ms = exchanges == 0 ? other.first_ms : std::min(first_ms, other.first_ms);
  last_ms = exchanges == 0 ? other.last_ms : std::max(last_ms, other.last_ms);
  exchanges += other.exchanges;
  refused += other.refused;
  meaningful += other.meaningful;
  output_tokens += other.output_tokens;
  context_tokens += other.context_tokens;
  shingle_count += other.shingle_count;
  for (size_t i = 0; i < spectrum.size(); ++i) spectrum[i] += other.spectrum[i];
  jointly += other.jointly;
  for (size_t i = 0; i < joint.size(); ++i) joint[i] = sum_of(joint[i], other.joint[i]);
  for_each_sketch(*this, [&](auto& sketch, auto member) { sketch.merge(other.*member); });
  for_each_count(*this, [&](auto& counts, auto member) { counts.merge_add(other.*member); });
}

size_t Summary::bytes() const {
  size_t total = sizeof *this;
  const auto heap = [&](const auto& part) { total += part.bytes() - sizeof part; };
  for_each_sketch(*this, [&](const auto& part, auto) { heap(part); });
  for_each_count(*this, [&](const auto& part, auto) { heap(part); });
  return total;
}

void Summary::write(base::Writer& out) const {
  for (const uint64_t v : {exchanges, failed, refused, meaningful, output_tokens, context_tokens, shingle_count})
    out.varint(v);
  out.zigzag(first_ms);
  out.zigzag(last_ms);
  for (const int64_t v : spectrum) out.zigzag(v);
  out.varint(jointly);
  for (const int32_t v : joint) out.zigzag(v);
  for_each_sketch(*this, [&](const auto& part, auto) { part.write(out); });
  for_each_count(*this, [&](const auto& part, auto) { part.write(out); });
}

bool Summary::read(base::Reader& in, bool with_joint) {
  constexpr uint64_t kCountMax = uint64_t{1} << 48;  // far above any traffic, far below overflow of a sum of spectra
  for (uint64_t* v : {&exchanges, &failed, &refused, &meaningful, &output_tokens, &context_tokens, &shingle_count}) {
    *v = in.varint();
    if (*v > kCountMax) return false;
  }
  first_ms = in.zigzag();
  last_ms = in.zigzag();
  if (meaningful > exchanges || refused > exchanges || first_ms > last_ms) return false;
  const auto bound = static_cast<int64_t>(meaningful) * features::kSpectrumScale;
  for (int64_t& v : spectrum) {
    v = in.zigzag();
    if (v > bound || v < -bound) return false;
  }
  if (with_joint) {
    jointly = in.varint();
    if (jointly > meaningful) return false;
    const int64_t most = jointly > kJointlyMax ? INT32_MAX : static_cast<int64_t>(jointly) * features::kJointScale;
    for (int32_t& sum : joint) {
      const int64_t v = in.zigzag();
      if (v > most || v < -most - (jointly > kJointlyMax)) return false;
      sum = static_cast<int32_t>(v);
    }
  }
  bool valid = true;
  for_each_sketch(*this, [&](auto& part, auto) { valid = valid && part.read(in); });
  for_each_count(*this, [&](auto& part, auto) { valid = valid && part.read(in); });
  return valid && !in.failed();
}

double Summary::share(features::Kind kind) const {
  return exchanges == 0 ? 0 : kinds[static_cast<size_t>(kind)] / static_cast<double>(exchanges);
}

double Summary::share(features::Trait trait) const {
  return exchanges == 0 ? 0 : traits[static_cast<size_t>(trait)] / static_cast<double>(exchanges);
}

}  // namespace stillwatch::profile
