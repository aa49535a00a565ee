#include "verdict/replay.h"

namespace stillwatch::verdict {
namespace {

void count(const ReplaySubject& subject, const ReplayHit& hit, ReplayTally& tally) {
  ++tally.accounts;
  tally.exchanges += subject.exchanges;
  tally.hit += hit.rungs != 0;
  tally.enforced += hit.enforced != 0;
  tally.exchanges_hit += hit.rungs != 0 ? subject.exchanges : 0;
  for (int r = 0; r < kRungs; ++r) tally.by_rung[static_cast<size_t>(r)] += hit.rungs >> r & 1;
}

}  // namespace

Replay replay(const Policy& policy, std::span<const ReplaySubject> subjects) {
  Replay out;
  for (size_t i = 0; i < subjects.size(); ++i) {
    Standing standing = subjects[i].standing;
    standing.account = subjects[i].account;
    const Decision d = policy.decide(standing);
    const ReplayHit hit{i, static_cast<uint8_t>(d.observed | d.enforced), d.enforced};
    count(subjects[i], hit, out.all);
    count(subjects[i], hit, out.groups[subjects[i].group]);
    if (hit.rungs != 0) out.hits.push_back(hit);
  }
  return out;
}

std::vector<ReplayChange> changes(const Replay& first, const Replay& second) {
  std::map<size_t, ReplayChange> by_subject;
  for (const ReplayHit& hit : first.hits) by_subject[hit.subject].gone = hit.rungs;
  for (const ReplayHit& hit : second.hits) by_subject[hit.subject].come = hit.rungs;
  std::vector<ReplayChange> out;
  for (const auto& [subject, both] : by_subject) {
    const auto gone = static_cast<uint8_t>(both.gone & ~both.come);
    const auto come = static_cast<uint8_t>(both.come & ~both.gone);
    if (gone != 0 || come != 0) out.push_back({subject, gone, come});
  }
  return out;
}

std::string rungs_text(uint8_t bits) {
  std::string text;
  for (int r = 0; r < kRungs; ++r) {
    if ((bits >> r & 1) == 0) continue;
    text.append(text.empty() ? "" : ", ").append(name_of(static_cast<Rung>(r)));
  }
  return text;
}

}  // namespace stillwatch::verdict
