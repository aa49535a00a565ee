#include "watermark/sketch.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"

namespace stillwatch::watermark {

uint64_t hash_of(std::span<const Unit> units) {
  return base::hash64({reinterpret_cast<const char*>(units.data()), units.size_bytes()});
}

void HashList::settle() {
  std::sort(hashes_.begin(), hashes_.end());
  hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
}

std::string HashList::bytes() const {
  return {reinterpret_cast<const char*>(hashes_.data()), hashes_.size() * sizeof(uint32_t)};
}

base::Result<HashList> HashList::parse(std::string_view bytes) {
  HashList list;
  list.hashes_.resize(bytes.size() / sizeof(uint32_t));
  if (!list.hashes_.empty()) std::memcpy(list.hashes_.data(), bytes.data(), list.hashes_.size() * sizeof(uint32_t));
  const auto not_increasing = [](uint32_t a, uint32_t b) { return a >= b; };
  if (bytes.size() % sizeof(uint32_t) != 0 ||
      std::adjacent_find(list.hashes_.begin(), list.hashes_.end(), not_increasing) != list.hashes_.end())
    return base::fail(base::ErrorCode::kInput, "the hashes are not increasing 32-bit numbers");
  return list;
}

ContextSketch::ContextSketch(int context, std::span<const Unit> answer) {
  const auto n = static_cast<size_t>(context);
  for (size_t i = 0; i + n < answer.size(); ++i) contexts_.add(static_cast<uint32_t>(hash_of(answer.subspan(i, n))));
  contexts_.settle();
}

void DraftSketch::add(const DraftSketch& more) {
  distinct_drafts_ = std::max(distinct_drafts_, more.distinct_drafts_);
  for (const uint32_t hash : more.windows_.hashes()) windows_.add(hash);
  windows_.settle();
}

void Filter::add(const DraftSketch& sketch) {
  if (sketch.distinct_drafts() < 2) return;
  for (const uint32_t hash : sketch.windows().hashes()) windows_.insert(hash);
}

void Filter::add(const ContextSketch& sketch) {
  for (const uint32_t hash : sketch.contexts().hashes()) contexts_.insert(hash);
}

bool Filter::passes(std::span<const Unit> window) const {
  return (windows_.size() > 0 && windows_.contains(static_cast<uint32_t>(hash_of(window)))) ||
         (contexts_.size() > 0 && contexts_.contains(static_cast<uint32_t>(hash_of(window.first(window.size() - 1)))));
}

bool Filter::quoted_in(std::span<const Unit> prompt, int context) const {
  constexpr int kRun = 16;  // windows; questions that answers take up again are mostly shorter
  const auto size = static_cast<size_t>(context) + 1;
  if (windows_.size() == 0) return false;
  int run = 0;
  for (size_t i = 0; i + size <= prompt.size(); ++i) {
    run = windows_.contains(static_cast<uint32_t>(hash_of(prompt.subspan(i, size)))) ? run + 1 : 0;
    if (run == kRun) return true;
  }
  return false;
}

}  // namespace stillwatch::watermark
