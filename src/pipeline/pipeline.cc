#include "pipeline/pipeline.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/hash.h"
#include "pipeline/subject.h"
#include "stats/drift.h"
#include "stats/multiple.h"

namespace stillwatch::pipeline {
namespace {

using signals::Baseline;
using signals::Sighting;

}  // namespace

struct Pipeline::State {
  std::shared_ptr<const Baseline> baseline;
  verdict::Labels labels;
  Options options;
  std::unordered_map<std::string, Subject, base::TextHash, std::equal_to<>> subjects;
  std::vector<std::string> changed;  // accounts whose `changed` is set; some may be forgotten since
  uint64_t exchanges = 0;
  uint64_t failed = 0;
  base::Time first{};
  base::Time last{};

  base::Result<Baseline> calibrate(std::string name, bool calibrated) const;
  AccountFinding judge(const std::string& account, const Subject& subject, const Baseline& by) const;
  double threshold() const { return options.false_alarms_per_10000 / 10'000; }
};

Pipeline::Pipeline(std::shared_ptr<const Baseline> baseline, verdict::Labels labels, Options options)
    : state_(std::make_unique<State>()) {
  state_->baseline = std::move(baseline);
  state_->labels = std::move(labels);
  state_->options = options;
}

Pipeline::~Pipeline() = default;

bool Pipeline::observe(std::string_view account, std::string_view organization, const features::Features& f) {
  State& s = *state_;
  if (s.exchanges + s.failed == 0) s.first = s.last = f.time;
  s.first = std::min(s.first, f.time);
  s.last = std::max(s.last, f.time);
  auto it = s.subjects.find(account);
  if (it == s.subjects.end()) it = s.subjects.emplace(std::string(account), Subject{}).first;
  Subject& subject = it->second;
  if (!organization.empty() && subject.organization.empty()) subject.organization = organization;
  ++(f.answered ? s.exchanges : s.failed);
  if (!subject.changed) {
    subject.changed = true;
    s.changed.push_back(it->first);
  }
  auto seen = subject.watch.observe(f);
  if (!seen) return false;
  subject.seen.push_back(std::move(*seen));
  return true;
}

base::Result<Baseline> Pipeline::State::calibrate(std::string name, bool calibrated) const {
  std::vector<signals::Subject> benign;
  for (const auto& [account, subject] : subjects) {
    const auto label = labels.find(account, last);
    if (label && label->kind == verdict::LabelKind::kHostile) continue;
    signals::Subject s{account, {}};
    for (const Seen& seen : subject.seen) s.sightings.push_back(seen.sighting);
    benign.push_back(std::move(s));
  }
  // The map's order is its own; a calibration must not depend on it.
  std::sort(benign.begin(), benign.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return Baseline::calibrate(benign, Baseline::reference().get(), std::move(name), last, calibrated);
}

AccountFinding Pipeline::State::judge(const std::string& account, const Subject& subject, const Baseline& by) const {
  AccountFinding finding;
  finding.account = account;
  finding.organization = subject.organization;
  const profile::Summary life = subject.watch.profile().lifetime();
  finding.exchanges = life.exchanges;
  finding.failed = life.failed;
  finding.first_seen = base::from_ms(life.first_ms);
  finding.last_seen = base::from_ms(life.last_ms);
  finding.exposure = {std::min(life.prompts.estimate(), static_cast<double>(life.meaningful)), life.output_tokens,
                      static_cast<double>(life.cells.nonzero()) / features::kCells};
  finding.label = labels.find(account, last);

  std::optional<signals::Judgement> strongest;
  for (const Seen& seen : subject.seen) {
    const signals::Judgement judgement = by.judge(seen.sighting);
    const signals::Evidence evidence = by.weigh(judgement.score);
    finding.looks.push_back({seen.time, seen.exchanges, evidence.score, evidence.p_value});
    if (!strongest || evidence.score > finding.evidence.score) {
      finding.evidence = evidence;
      strongest = judgement;
    }
    if (!finding.flagged && evidence.p_value <= threshold()) {
      finding.flagged = true;
      finding.flagged_at = seen.time;
      finding.flagged_after = seen.exchanges;
    }
  }
  if (!strongest) return finding;
  finding.evidence.readings = by.read(strongest->values, strongest->look);
  finding.verdict = finding.flagged ? verdict::Verdict::kHarvest : verdict::Verdict::kClear;
  return finding;
}

namespace {

void apply_label(AccountFinding& finding) {
  if (!finding.label) return;
  finding.flagged = finding.label->kind == verdict::LabelKind::kHostile;
  finding.verdict = finding.flagged ? verdict::Verdict::kLabelledHostile : verdict::Verdict::kLabelledBenign;
}

BaselineFacts facts_of(const Baseline& baseline, const std::vector<AccountFinding>& ranked) {
  BaselineFacts facts{baseline.name(), baseline.calibrated(), baseline.subjects(), baseline.made(), 1, 0, false};
  std::vector<double> now;
  for (const AccountFinding& finding : ranked) {
    if (!finding.looks.empty()) now.push_back(finding.evidence.score);
  }
  const std::vector<double> then(baseline.ranks().begin(), baseline.ranks().end());
  constexpr size_t kAccountsMin = 50;
  if (now.size() < kAccountsMin || then.size() < kAccountsMin) return facts;
  facts.drift_p_value = stats::kolmogorov_smirnov(now, then).p_value;
  facts.drift_index = stats::population_stability_index(then, now);
  // Both: with many accounts a harmless difference is significant, with few a large one is chance.
  facts.drifted = facts.drift_p_value < 0.001 && facts.drift_index > 0.2;
  return facts;
}

}  // namespace

Findings Pipeline::findings() const {
  const State& s = *state_;
  std::shared_ptr<const Baseline> baseline = s.baseline;
  if (!baseline) {
    auto own = s.calibrate("this log", false);
    baseline = own ? std::make_shared<const Baseline>(std::move(*own)) : Baseline::reference();
  }
  Findings out;
  out.first = s.first;
  out.last = s.last;
  out.exchanges = s.exchanges;
  out.failed = s.failed;
  out.accounts = s.subjects.size();
  out.false_alarms_per_10000 = s.options.false_alarms_per_10000;
  out.threshold = s.threshold();
  for (const auto& [account, subject] : s.subjects) {
    out.output_tokens += subject.watch.profile().current().output_tokens;
    if (subject.watch.profile().past() != nullptr) out.output_tokens += subject.watch.profile().past()->output_tokens;
    out.ranked.push_back(s.judge(account, subject, *baseline));
  }
  std::sort(out.ranked.begin(), out.ranked.end(),
            [](const AccountFinding& a, const AccountFinding& b) { return a.account < b.account; });

  std::vector<double> p_values;
  std::vector<AccountFinding*> judged;
  for (AccountFinding& finding : out.ranked) {
    if (finding.looks.empty()) continue;
    judged.push_back(&finding);
    p_values.push_back(finding.evidence.p_value);
  }
  const std::vector<double> q_values = stats::benjamini_hochberg(p_values);
  for (size_t i = 0; i < judged.size(); ++i) {
    judged[i]->q_value = q_values[i];
    if (!judged[i]->flagged && q_values[i] <= 0.1) judged[i]->verdict = verdict::Verdict::kWatch;
  }
  out.accounts_judged = judged.size();
  out.baseline = facts_of(*baseline, out.ranked);
  for (AccountFinding& finding : out.ranked) {
    apply_label(finding);
    out.accounts_flagged += finding.flagged;
  }
  // By score, not by p-value: ranks bottom out and p-values tie.
  std::stable_sort(out.ranked.begin(), out.ranked.end(), [](const AccountFinding& a, const AccountFinding& b) {
    if (a.flagged != b.flagged) return a.flagged;
    if (a.looks.empty() != b.looks.empty()) return b.looks.empty();
    if (a.evidence.score != b.evidence.score) return a.evidence.score > b.evidence.score;
    return a.exchanges > b.exchanges;
  });
  for (size_t i = 0; i < std::min(out.ranked.size(), kDetailedMax); ++i) {
    out.ranked[i].summary = s.subjects.find(out.ranked[i].account)->second.watch.profile().lifetime();
  }
  return out;
}

std::optional<AccountFinding> Pipeline::finding(std::string_view account) const {
  const State& s = *state_;
  const auto it = s.subjects.find(account);
  const auto baseline = s.baseline ? s.baseline : Baseline::reference();
  if (it == s.subjects.end() || !baseline) return std::nullopt;
  AccountFinding finding = s.judge(it->first, it->second, *baseline);
  apply_label(finding);
  return finding;
}

std::vector<std::string> Pipeline::names() const {
  std::vector<std::string> names;
  names.reserve(state_->subjects.size());
  for (const auto& [account, subject] : state_->subjects) names.push_back(account);
  return names;
}

void Pipeline::set_labels(verdict::Labels labels) {
  state_->labels = std::move(labels);
}

std::vector<SavedSubject> Pipeline::take_changed(size_t max) {
  State& s = *state_;
  std::vector<SavedSubject> taken;
  while (taken.size() < max && !s.changed.empty()) {
    std::string account = std::move(s.changed.back());
    s.changed.pop_back();
    const auto it = s.subjects.find(account);
    if (it == s.subjects.end() || !it->second.changed) continue;
    it->second.changed = false;
    const profile::Profile& profile = it->second.watch.profile();
    taken.push_back({std::move(account), base::from_ms(profile.current().last_ms), it->second.serialize()});
  }
  return taken;
}

base::Result<void> Pipeline::load(std::string_view account, std::string_view bytes) {
  auto subject = Subject::parse(bytes);
  if (!subject) return tl::unexpected(subject.error());
  State& s = *state_;
  const profile::Summary life = subject->watch.profile().lifetime();
  if (s.exchanges + s.failed == 0) s.first = s.last = base::from_ms(life.first_ms);
  s.first = std::min(s.first, base::from_ms(life.first_ms));
  s.last = std::max(s.last, base::from_ms(life.last_ms));
  s.exchanges += life.exchanges;
  s.failed += life.failed;
  s.subjects.insert_or_assign(std::string(account), std::move(*subject));
  return {};
}

bool Pipeline::forget(std::string_view account) {
  const auto it = state_->subjects.find(account);
  if (it == state_->subjects.end()) return false;
  state_->subjects.erase(it);
  return true;
}

base::Result<Baseline> Pipeline::calibrate() const {
  return state_->calibrate("calibrated", true);
}
uint64_t Pipeline::exchanges() const {
  return state_->exchanges;
}
uint64_t Pipeline::accounts() const {
  return state_->subjects.size();
}

size_t Pipeline::bytes() const {
  size_t total = 0;
  for (const auto& [account, subject] : state_->subjects) {
    total += account.capacity() + sizeof subject - sizeof(profile::Profile) + subject.watch.profile().bytes();
    for (const Seen& seen : subject.seen)
      total += sizeof seen + seen.sighting.parts.capacity() * sizeof(Sighting::Part);
  }
  return total;
}

}  // namespace stillwatch::pipeline
