#include "pipeline/pipeline.h"

#include <algorithm>
#include <unordered_map>

#include "base/hash.h"
#include "base/limits.h"
#include "base/recent.h"
#include "pipeline/accounts.h"
#include "pipeline/campaigns.h"
#include "pipeline/traces.h"

namespace stillwatch::pipeline {

using signals::Baseline;
using verdict::LabelKind;

namespace {

// The place may be of before the finding.
std::optional<AccountFinding> placed(std::optional<AccountFinding> found, const Place& place) {
  if (!found) return found;
  found->q_value = place.q_value;
  if (found->verdict == verdict::Verdict::kClear && place.verdict == verdict::Verdict::kWatch)
    found->verdict = verdict::Verdict::kWatch;
  return found;
}

}  // namespace

struct Pipeline::State {
  std::shared_ptr<const Baseline> given;     // null: none was
  std::shared_ptr<const Baseline> baseline;  // that judges
  uint32_t judge = 0;                        // its number
  verdict::Labels labels;
  Options options;
  Accounts accounts;
  base::Recent<uint32_t> answers{base::kAnswersRemembered};  // how deep their conversations are with them
  uint64_t exchanges = 0;
  uint64_t failed = 0;
  uint64_t output_tokens = 0;
  uint64_t sightings_version = 0;
  uint64_t version = 0;
  base::Time first{};
  base::Time last{};

  void note_time(base::Time from, base::Time to);
  const Judged& judged(Account& account) const;
  AccountFinding outline(Accounts::Node& node) const;
  double threshold() const { return options.false_alarms_per_10000 / 10'000; }
  campaigns::Accounts traces(LabelKind without) const { return traces_of(accounts, labels, last, without); }
};

Pipeline::Pipeline(std::shared_ptr<const Baseline> baseline, verdict::Labels labels, Options options)
    : state_(std::make_unique<State>()) {
  state_->given = baseline;
  state_->baseline = baseline ? std::move(baseline) : Baseline::reference();
  state_->labels = std::move(labels);
  state_->options = std::move(options);
}

Pipeline::~Pipeline() = default;

// Before the exchanges are counted.
void Pipeline::State::note_time(base::Time from, base::Time to) {
  if (exchanges + failed == 0) {
    first = from;
    last = to;
  }
  first = std::min(first, from);
  last = std::max(last, to);
}

bool Pipeline::follow(std::string_view account, features::Features& f) {
  base::Recent<uint32_t>& answers = state_->answers;
  const auto key = [&](uint64_t id) { return base::combine(base::hash64(account), id); };
  if (f.continues != 0) {
    if (const uint32_t* depth = answers.find(key(f.continues))) f.depth += *depth - 1;
    f.continues = 0;
  }
  if (f.answer == 0) return true;
  const bool counted = f.part == dialect::Part::kAnswer && answers.find(key(f.answer)) != nullptr;
  if (!counted) answers.put(key(f.answer), f.depth + 1);
  return !counted;
}

Observed Pipeline::observe(std::string_view account, std::string_view organization, const features::Features& f) {
  State& s = *state_;
  Accounts::Node* node = s.accounts.use(account);
  if (node == nullptr) return Observed::kLost;
  ++s.version;
  s.note_time(f.time, f.time);
  if (f.part != dialect::Part::kAnswer) ++(f.answered ? s.exchanges : s.failed);
  if (f.answered) s.output_tokens += f.output_tokens;
  Account& a = node->second;
  Subject& subject = a.subject;
  if (!organization.empty() && subject.organization.empty()) subject.organization = organization;
  s.accounts.note_change(*node);
  auto seen = subject.watch->observe(f);
  if (!seen) return Observed::kAdded;
  ++s.sightings_version;
  const bool current = a.judged.by == s.judge;
  subject.seen.push_back(std::move(*seen));
  if (current && s.baseline) a.judged.add(subject.seen.back(), *s.baseline, s.threshold());
  return Observed::kLooked;
}

// Made anew where the baseline is another than it was made by.
const Judged& Pipeline::State::judged(Account& account) const {
  if (account.judged.by == judge) return account.judged;
  account.judged = {};
  account.judged.by = judge;
  if (baseline) {
    for (const Seen& seen : account.subject.seen) account.judged.add(seen, *baseline, threshold());
  }
  return account.judged;
}

AccountFinding Pipeline::State::outline(Accounts::Node& node) const {
  auto& [name, account] = node;
  const Judged& j = judged(account);
  const Tally tally = account.subject.watch ? Tally::of(account.subject.watch->profile()) : account.tally;
  AccountFinding finding;
  finding.account = name;
  finding.organization = account.subject.organization;
  finding.exchanges = tally.exchanges;
  finding.failed = tally.failed;
  finding.first_seen = tally.first;
  finding.last_seen = tally.last;
  finding.exposure = tally.exposure;
  finding.label = labels.find(name, last);
  finding.looks = j.looks;
  if (j.strongest) {
    finding.evidence = baseline->weigh(j.strongest->score);
    finding.flagged = j.flagged.has_value();
    finding.verdict = finding.flagged ? verdict::Verdict::kHarvest : verdict::Verdict::kClear;
  }
  if (j.flagged) {
    finding.flagged_at = j.looks[*j.flagged].time;
    finding.flagged_after = j.looks[*j.flagged].exchanges;
  }
  if (finding.label) {
    finding.flagged = finding.label->kind == verdict::LabelKind::kHostile;
    finding.verdict = finding.flagged ? verdict::Verdict::kLabelledHostile : verdict::Verdict::kLabelledBenign;
  }
  return finding;
}

std::optional<AccountFinding> Pipeline::outline(std::string_view account) {
  Accounts::Node* node = state_->accounts.find(account);
  if (node == nullptr) return std::nullopt;
  return state_->outline(*node);
}

void Pipeline::explain(AccountFinding& outline) {
  Accounts::Node* node = state_->accounts.find(outline.account);
  if (node == nullptr) return;
  const Judged& j = state_->judged(node->second);
  if (j.strongest) outline.evidence.readings = state_->baseline->read(j.strongest->values, j.strongest->look);
}

std::optional<AccountFinding> Pipeline::finding(std::string_view account) {
  Accounts::Node* node = state_->accounts.find(account);
  if (node == nullptr) return std::nullopt;
  AccountFinding finding = state_->outline(*node);
  explain(finding);
  if (auto life = state_->accounts.lifetime(*node))
    finding.summary = std::make_shared<const profile::Summary>(std::move(*life));
  return finding;
}

std::optional<AccountFinding> Pipeline::outline(const Place& place) {
  return placed(outline(place.account), place);
}
std::optional<AccountFinding> Pipeline::finding(const Place& place) {
  return placed(finding(place.account), place);
}

Findings Pipeline::findings() {
  State& s = *state_;
  if (!s.given) {
    auto own = calibrate("this log", false);
    judge_by(own ? std::make_shared<const Baseline>(std::move(*own)) : Baseline::reference());
  }
  Findings out{overview(), {}, s.options.campaigns != nullptr, campaigns()};
  std::unordered_map<std::string_view, std::string_view> member_of;
  for (const CampaignFinding& c : out.campaigns) {
    if (!c.flagged) continue;
    for (const std::string& account : c.accounts) member_of.emplace(account, c.campaign);
  }
  std::vector<Place> ranked;
  places(0, slots(), ranked);
  rank(ranked, *s.baseline, out);
  out.ranked.reserve(ranked.size());
  for (const Place& place : ranked) {
    out.ranked.push_back(*finding(place));
    if (const auto member = member_of.find(place.account); member != member_of.end())
      out.ranked.back().campaign = member->second;
    if (out.ranked.size() > kDetailedMax) out.ranked.back().summary = nullptr;
  }
  return out;
}

size_t Pipeline::slots() const {
  return state_->accounts.slots().size();
}

void Pipeline::places(size_t from, size_t count, std::vector<Place>& out) {
  State& s = *state_;
  for (Accounts::Node* node : s.accounts.slots(from, count)) {
    if (node == nullptr) continue;
    const Judged& j = s.judged(node->second);
    Place place;
    place.account = node->first;
    place.exchanges = node->second.exchanges();
    place.judged = j.strongest != nullptr;
    place.flagged = j.flagged.has_value();
    if (j.strongest) {
      place.score = j.strongest->score;
      place.p_value = s.baseline->weigh(place.score).p_value;
    }
    if (const auto label = s.labels.find(place.account, s.last)) place.label = label->kind;
    out.push_back(std::move(place));
  }
}

std::shared_ptr<const campaigns::Reference> Pipeline::campaign_reference() const {
  return state_->options.campaigns;
}

std::vector<CampaignFinding> Pipeline::campaigns() const {
  const State& s = *state_;
  if (!s.options.campaigns || !s.baseline) return {};
  return find_campaigns(s.traces(LabelKind::kBenign), *s.options.campaigns, *s.baseline, s.options.threads);
}

void Pipeline::traces(size_t from, size_t count, std::vector<campaigns::Trace>& out) const {
  const State& s = *state_;
  add_traces(s.accounts, s.accounts.slots(from, count), s.labels, s.last, LabelKind::kBenign, out);
}

std::shared_ptr<const profile::Summary> Pipeline::lifetime(std::string_view account) const {
  const Accounts::Node* node = std::as_const(state_->accounts).find(account);
  auto life = node != nullptr ? state_->accounts.lifetime(*node) : std::nullopt;
  return life ? std::make_shared<const profile::Summary>(std::move(*life)) : nullptr;
}

base::Result<campaigns::Reference> Pipeline::calibrate_campaigns(const Baseline& baseline) const {
  return campaigns::Reference::of(state_->traces(LabelKind::kHostile), baseline, state_->options.threads);
}

Overview Pipeline::overview() const {
  const State& s = *state_;
  Overview o;
  o.first = s.first;
  o.last = s.last;
  o.exchanges = s.exchanges;
  o.failed = s.failed;
  o.output_tokens = s.output_tokens;
  o.accounts = s.accounts.size();
  o.false_alarms_per_10000 = s.options.false_alarms_per_10000;
  o.threshold = s.threshold();
  return o;
}

std::shared_ptr<const Baseline> Pipeline::baseline() const {
  return state_->baseline;
}

bool Pipeline::calibrates_itself() const {
  return !state_->given;
}

void Pipeline::sightings(size_t from, size_t count, std::vector<signals::Subject>& out) const {
  for (const Accounts::Node* node : state_->accounts.slots(from, count)) {
    if (node == nullptr) continue;
    const auto label = state_->labels.find(node->first, state_->last);
    if (label && label->kind == verdict::LabelKind::kHostile) continue;
    signals::Subject subject{node->first, {}};
    for (const Seen& seen : node->second.subject.seen) subject.sightings.push_back(seen.sighting);
    out.push_back(std::move(subject));
  }
}

void Pipeline::judge_by(std::shared_ptr<const Baseline> own) {
  if (state_->given || own == state_->baseline) return;
  state_->baseline = std::move(own);
  ++state_->judge;
  ++state_->version;
}

uint64_t Pipeline::sightings_version() const {
  return state_->sightings_version;
}
uint64_t Pipeline::version() const {
  return state_->version;
}

void Pipeline::set_labels(verdict::Labels labels) {
  state_->labels = std::move(labels);
  ++state_->sightings_version;
  ++state_->version;
}

void Pipeline::fetch_with(Fetch fetch) {
  state_->accounts.bound(state_->options.profiles_max, state_->options.crowd_max, std::move(fetch));
}

std::vector<SavedSubject> Pipeline::take_changed(size_t max) {
  std::vector<SavedSubject> taken;
  for (const Accounts::Node* node : state_->accounts.take_changed(max)) {
    const Subject& subject = node->second.subject;
    taken.push_back({node->first, base::from_ms(subject.watch->profile().current().last_ms), subject.serialize()});
  }
  return taken;
}

size_t Pipeline::crowd() const {
  return state_->accounts.crowd();
}

void Pipeline::cool() {
  State& s = *state_;
  s.accounts.cool([&](Account& account) {
    (void)s.judged(account);
    // A baseline that was given stays: its judgements are final, and what they were made from is in the store.
    if (s.given) account.subject.seen = {};
  });
}

base::Result<void> Pipeline::load(std::string_view account, std::string_view bytes) {
  auto subject = Subject::parse(bytes);
  if (!subject) return tl::unexpected(subject.error());
  State& s = *state_;
  ++s.version;
  const Tally tally = Tally::of(subject->watch->profile());
  s.note_time(tally.first, tally.last);
  s.exchanges += tally.exchanges;
  s.failed += tally.failed;
  s.output_tokens += tally.exposure.output_tokens;
  ++s.sightings_version;
  s.accounts.put(account, std::move(*subject)).judged.by = s.judge - 1;
  return {};
}

bool Pipeline::forget(std::string_view account) {
  State& s = *state_;
  Accounts::Node* node = s.accounts.find(account);
  if (node == nullptr) return false;
  ++s.sightings_version;
  ++s.version;
  const Tally tally = node->second.tallied();
  s.exchanges -= tally.exchanges;
  s.failed -= tally.failed;
  s.output_tokens -= tally.exposure.output_tokens;
  s.accounts.erase(*node);
  return true;
}

base::Result<Baseline> Pipeline::calibrate() const {
  return calibrate("calibrated", true);
}

base::Result<Baseline> Pipeline::calibrate(std::string name, bool calibrated) const {
  std::vector<signals::Subject> benign;
  sightings(0, slots(), benign);
  return Baseline::calibrate(benign, Baseline::reference().get(), std::move(name), state_->last, calibrated);
}

uint64_t Pipeline::exchanges() const {
  return state_->exchanges;
}
uint64_t Pipeline::accounts() const {
  return state_->accounts.size();
}
size_t Pipeline::profiles() const {
  return state_->accounts.profiles();
}

size_t Pipeline::bytes() const {
  size_t total = 0;
  for (const Accounts::Node* node : state_->accounts.slots()) {
    if (node == nullptr) continue;
    const auto& [name, account] = *node;
    total += sizeof *node + name.capacity() + account.judged.looks.capacity() * sizeof(Look);
    if (account.judged.strongest) total += sizeof *account.judged.strongest;
    if (account.subject.watch)
      total += sizeof(Watch) - sizeof(profile::Profile) + account.subject.watch->profile().bytes();
    for (const Seen& seen : account.subject.seen)
      total += sizeof seen + sizeof *seen.sighting + seen.sighting->parts.capacity() * sizeof(signals::Sighting::Part);
  }
  return total;
}

}  // namespace stillwatch::pipeline
