#include "gateway/keeper.h"

#include <pthread.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace stillwatch::gateway {
namespace {

constexpr size_t kSliceSubjects = 1000;
constexpr size_t kJournalBytesBetweenSaves = 64u << 20;
constexpr uint64_t kRoundsBetweenExpiries = 7200;

}  // namespace

Keeper::Keeper(std::shared_ptr<Archive> archive, uint64_t last_exchange, Observer& observer, KeeperSettings settings)
    : archive_(std::move(archive)), observer_(observer), settings_(std::move(settings)) {
  observer_.start_journal(last_exchange);
  expire();
  thread_ = std::thread([this] { run(); });
}

Keeper::~Keeper() {
  finish();
  const std::lock_guard lock(mutex_);
  (void)round(false);  // what was told since
}

void Keeper::finish() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(stop_mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  thread_.join();
  const std::lock_guard lock(mutex_);
  (void)round(true);  // what cannot be written now is in the journal, or was announced
}

void Keeper::note(Finding finding) {
  const std::lock_guard lock(noted_mutex_);
  noted_.push_back(std::move(finding));
}

void Keeper::note(std::vector<std::string> campaigns, std::vector<Finding> findings) {
  const std::lock_guard lock(noted_mutex_);
  campaigns_ = std::move(campaigns);
  std::move(findings.begin(), findings.end(), std::back_inserter(noted_));
}

void Keeper::told(const std::string& account, Sinks sinks) {
  const std::lock_guard lock(noted_mutex_);
  told_.emplace_back(account, sinks);
}

bool Keeper::note(EvidenceLine line) {
  const std::lock_guard lock(noted_mutex_);
  if (evidence_bytes_ + line.line.size() > kEvidenceWaitingMax) return false;
  evidence_bytes_ += line.line.size();
  evidence_.push_back(std::move(line));
  return true;
}

bool Keeper::suspended() const {
  const std::lock_guard lock(mutex_);
  return !trouble_.empty();
}

void Keeper::run() {
  ::pthread_setname_np(::pthread_self(), "keep");
  while (true) {
    {
      std::unique_lock lock(stop_mutex_);
      if (stop_.wait_for(lock, settings_.interval, [this] { return stopping_; })) return;
    }
    const std::lock_guard lock(mutex_);
    (void)round(false);  // on_suspended has been told
    if (++rounds_ % kRoundsBetweenExpiries == 0) expire();
  }
}

// Writes what waits and what is new. A failure keeps findings and saved subjects waiting and lets the journal go: the
// subjects that it was of are saved as soon as that works, and until then the promise is suspended.
base::Result<void> Keeper::round(bool everything) {
  const bool due = rounds_ % settings_.rounds_between_saves == settings_.rounds_between_saves - 1 ||
                   journal_bytes_ > kJournalBytesBetweenSaves;
  const bool saving = everything || saving_until_ > 0 || due || !trouble_.empty();
  // Subjects that could not be written are written before others are taken.
  const size_t crowd = observer_.crowd();
  size_t room = std::max(saving ? kSliceSubjects : 0, crowd);
  if (!waiting_.subjects.empty()) room = 0;
  if (everything) room = SIZE_MAX;
  Observer::Taken taken = observer_.take(room);
  const bool last_slice = saving && taken.subjects.size() < room;
  const uint64_t now_at = taken.journal.last();
  waiting_.journal = std::move(taken.journal);
  for (auto& s : taken.subjects) waiting_.subjects.emplace_back(now_at, std::move(s));
  std::move(taken.exemplars.begin(), taken.exemplars.end(), std::back_inserter(waiting_.exemplars));
  waiting_.to_tell = settings_.to_tell;
  {
    const std::lock_guard lock(noted_mutex_);
    std::move(noted_.begin(), noted_.end(), std::back_inserter(waiting_.findings));
    std::move(told_.begin(), told_.end(), std::back_inserter(waiting_.told));
    std::move(evidence_.begin(), evidence_.end(), std::back_inserter(waiting_.evidence));
    if (campaigns_) waiting_.campaigns = std::exchange(campaigns_, std::nullopt);
    noted_.clear();
    evidence_.clear();
    told_.clear();
  }
  if (saving && saving_until_ == 0) saving_until_ = std::max<uint64_t>(1, now_at);
  waiting_.journal_done = last_slice ? saving_until_ : 0;
  journal_bytes_ += waiting_.journal.records.size();

  auto ok = archive_->commit(waiting_);
  waiting_.journal = {};
  if (!ok || taken.gap) tell(ok ? "the store is too slow for the traffic" : ok.error().message);
  if (!ok) return ok;
  if (settings_.on_kept) {
    for (const Finding& f : waiting_.findings) settings_.on_kept(f);
  }
  {
    const std::lock_guard lock(noted_mutex_);
    for (const EvidenceLine& e : waiting_.evidence) evidence_bytes_ -= e.line.size();
  }
  waiting_ = {};
  if (crowd > 0) observer_.cool();
  if (last_slice) {
    saving_until_ = 0;
    journal_bytes_ = 0;
    if (!taken.gap) tell("");
  }
  return {};
}

void Keeper::tell(std::string trouble) {
  const bool news = trouble.empty() != trouble_.empty();
  trouble_ = std::move(trouble);
  if (news && settings_.on_suspended) settings_.on_suspended(trouble_);
}

void Keeper::expire() {
  const base::Time now = settings_.now();
  const auto gone = archive_->expire(now - settings_.subjects_for, now - settings_.findings_for,
                                     settings_.exemplars > 0 ? now - settings_.exemplars_for : base::Time::max());
  if (!gone) return;
  for (const std::string& account : *gone) observer_.forget(account);
  if (settings_.exemplars == 0) return;
  if (const auto kept = archive_->exemplars()) observer_.keep_exemplars(settings_.exemplars, *kept);
}

base::Result<void> Keeper::label(std::string_view account, const verdict::Label& label) {
  const std::lock_guard lock(mutex_);
  if (auto ok = archive_->put_label(account, label); !ok) return ok;
  auto labels = archive_->labels();
  if (!labels) return tl::unexpected(labels.error());
  observer_.set_labels(std::move(*labels));
  if (label.kind == verdict::LabelKind::kHostile) return {};
  observer_.forget_exemplars(account);
  std::erase_if(waiting_.exemplars, [&](const Exemplar& e) { return e.account == account; });
  return archive_->forget_exemplars(account);
}

base::Result<bool> Keeper::forget(std::string_view account) {
  const std::lock_guard lock(mutex_);
  if (auto ok = round(false); !ok) return tl::unexpected(ok.error());
  const bool watched = observer_.forget(account);
  {
    const std::lock_guard noted(noted_mutex_);
    std::erase_if(noted_, [&](const Finding& f) { return f.account == account; });
    std::erase_if(evidence_, [&](const EvidenceLine& e) {
      if (e.account == account) evidence_bytes_ -= e.line.size();
      return e.account == account;
    });
  }
  const auto kept = archive_->forget(account);
  if (!kept) return tl::unexpected(kept.error());
  auto labels = archive_->labels();
  if (labels) observer_.set_labels(std::move(*labels));
  return watched || *kept;
}

}  // namespace stillwatch::gateway
