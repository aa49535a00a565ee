#include "gateway/exemplars.h"

#include <algorithm>

#include "gateway/redact.h"

namespace stillwatch::gateway {
namespace {

// What the person or program said last.
std::string_view words_of(const dialect::Exchange& e) {
  for (auto turn = e.turns.rbegin(); turn != e.turns.rend(); ++turn) {
    if (turn->role == dialect::Role::kUser && !turn->text.empty()) return turn->text;
  }
  return {};
}

}  // namespace

void ExemplarSampler::resume(std::string_view account, uint64_t key) {
  std::vector<uint64_t>& keys = keys_[std::string(account)];
  keys.push_back(key);
  std::push_heap(keys.begin(), keys.end());
}

void ExemplarSampler::offer(const dialect::Exchange& e, const features::Features& f) {
  if (f.prompt == 0 || f.part == dialect::Part::kAnswer) return;
  auto it = keys_.find(e.account);
  if (it == keys_.end()) it = keys_.emplace(std::string(e.account), std::vector<uint64_t>()).first;
  std::vector<uint64_t>& keys = it->second;
  const uint64_t key = base::combine(f.prompt, 0x73616d706c65);
  const bool full = keys.size() >= per_account_;
  if ((full && key >= keys.front()) || std::find(keys.begin(), keys.end(), key) != keys.end()) return;
  std::string text = redact(words_of(e), kExemplarBytesMax);
  if (text.empty()) return;
  while (keys.size() >= per_account_) {
    changes_.push_back({std::string(e.account), keys.front(), {}, {}});
    std::pop_heap(keys.begin(), keys.end());
    keys.pop_back();
  }
  keys.push_back(key);
  std::push_heap(keys.begin(), keys.end());
  changes_.push_back({std::string(e.account), key, e.time, std::move(text)});
}

void ExemplarSampler::forget(std::string_view account) {
  if (const auto it = keys_.find(account); it != keys_.end()) keys_.erase(it);
  std::erase_if(changes_, [&](const Exemplar& change) { return change.account == account; });
}

}  // namespace stillwatch::gateway
