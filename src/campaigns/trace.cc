#include "campaigns/trace.h"

#include <algorithm>

#include "base/hash.h"
#include "features/joint.h"
#include "signals/measure.h"

namespace stillwatch::campaigns {
namespace {

Key key_of(KeyKind kind, uint64_t hash) {
  return {base::combine(static_cast<uint64_t>(kind) + 1, hash), kind};
}

template <KeyKind kKind>
void collect(const sketch::BottomK<keys_max(kKind)>& sample, std::vector<Key>& keys) {
  for (const auto& entry : sample.entries()) keys.push_back(key_of(kKind, entry.hash));
}

void collect_bands(const sketch::BottomK<keys_max(KeyKind::kOpening)>& sample, std::vector<Key>& keys) {
  const auto& entries = sample.entries();
  for (size_t i = 0; i < kBands && i + 1 < entries.size(); ++i)
    keys.push_back(key_of(KeyKind::kOpenings, base::combine(entries[i].hash, entries[i + 1].hash)));
}

}  // namespace

Trace Trace::of(std::string account, const profile::Summary& s) {
  Trace t;
  t.account = std::move(account);
  if (s.exchanges == 0 || s.jointly > profile::kJointlyMax) return t;
  t.exchanges = s.exchanges - (s.meaningful - s.jointly);
  t.first_ms = s.first_ms;
  t.last_ms = s.last_ms;
  const signals::Meaning meaning = signals::meaning_of(s);
  std::copy(meaning.mean.begin(), meaning.mean.end(), t.mean.begin());
  size_t at = meaning.mean.size();
  const double joint_unit = features::kJointScale * static_cast<double>(std::max<uint64_t>(1, s.jointly));
  for (const int32_t sum : s.joint) t.mean[at++] = static_cast<float>(sum / joint_unit);
  const auto n = static_cast<double>(s.exchanges);
  const auto put = [&](double count) { t.mean[at++] = static_cast<float>(count / n); };
  for (size_t i = 0; i < features::kKinds; ++i) put(s.kinds[i]);
  for (size_t i = 0; i < features::kWritingTraits; ++i) put(s.traits[i]);
  for (size_t i = 0; i < features::kScripts; ++i) put(s.scripts[i]);
  for (size_t i = 0; i < kOctaves; ++i) put(s.prompt_words[2 * i] + s.prompt_words[2 * i + 1]);
  for (size_t i = 0; i < kOctaves; ++i) put(s.output[2 * i] + s.output[2 * i + 1]);
  t.keys.reserve(s.prompt_sample.entries().size() + s.opening_sample.entries().size() + kBands +
                 s.systems.entries().size() + s.network_sample.entries().size() + s.client_sample.entries().size());
  collect<KeyKind::kPrompt>(s.prompt_sample, t.keys);
  collect<KeyKind::kOpening>(s.opening_sample, t.keys);
  collect_bands(s.opening_sample, t.keys);
  collect<KeyKind::kSystem>(s.systems, t.keys);
  collect<KeyKind::kNetwork>(s.network_sample, t.keys);
  collect<KeyKind::kClient>(s.client_sample, t.keys);
  t.days = s.active.days();
  return t;
}

}  // namespace stillwatch::campaigns
