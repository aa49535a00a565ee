#include "gateway/observer.h"

#include <pthread.h>

#include "features/features.h"
#include "gateway/reader.h"

namespace stillwatch::gateway {
namespace {

constexpr std::chrono::milliseconds kNap(2);
constexpr std::chrono::microseconds kGiveWay(50);
constexpr size_t kBetweenYields = 16;
constexpr size_t kBatchAtEase = 512;

}  // namespace

Observer::Observer(std::unique_ptr<pipeline::Pipeline> pipeline, OnLook on_look, std::function<base::Time()> now)
    : pipeline_(std::move(pipeline)), on_look_(std::move(on_look)), now_(std::move(now)), thread_([this] { run(); }) {}

Observer::~Observer() {
  finish();
}

void Observer::finish() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(queue_mutex_);
    stopping_ = true;
  }
  ready_.notify_one();
  thread_.join();
}

void Observer::submit(Observation& observation) {
  const size_t bytes = observation.request.size() + observation.response.size();
  if (now_) observation.submitted = now_();
  bool first = false;
  {
    const std::lock_guard lock(queue_mutex_);
    if (queue_bytes_ + bytes > kQueueBytesMax) return shed();
    first = queue_.empty();
    queue_bytes_ += bytes;
    queue_.push_back(std::move(observation));
    observation = {};
    if (!spare_.empty()) {
      observation = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  if (first) ready_.notify_one();
}

void Observer::run() {
  ::pthread_setname_np(::pthread_self(), "observe");
  Reader reader;
  features::FeatureExtractor extractor;
  std::vector<Observation> batch;
  size_t read = 0;
  while (true) {
    {
      std::unique_lock lock(queue_mutex_);
      ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      batch.swap(queue_);
      queue_bytes_ = 0;
    }
    std::unique_lock lock(pipeline_mutex_);
    for (const Observation& o : batch) {
      // An identity that the upstream did not accept is nobody's.
      if (o.status != 401 && o.status != 403)
        reader.read(o, [&](const dialect::Exchange& e) { observe(e, extractor.extract(e)); });
      observed_.fetch_add(1, std::memory_order_relaxed);
      if (++read % kBetweenYields != 0) continue;
      if (visitors_.load(std::memory_order_relaxed) > 0) {
        lock.unlock();
        std::this_thread::sleep_for(kGiveWay);
        lock.lock();
      }
      // Relaying threads on the same core go first, until that makes reading fall behind.
      if (batch.size() <= kBatchAtEase) std::this_thread::yield();
    }
    if (now_ && !batch.empty()) lag_ms_ = (now_() - batch.front().submitted).count();
    lock.unlock();
    keep_memory(batch);
    // Not woken for every exchange: a switch between threads costs more than relaying does.
    std::this_thread::sleep_for(kNap);
  }
}

void Observer::observe(const dialect::Exchange& e, features::Features f) {
  if (!pipeline_->follow(e.account, f)) return;
  if (e.part != dialect::Part::kAnswer) prompts_.fetch_add(1, std::memory_order_relaxed);
  const pipeline::Observed observed = pipeline_->observe(e.account, e.organization, f);
  if (observed == pipeline::Observed::kLost) return shed();
  if (journal_) write_down(e, f);
  if (!flagged_.empty() && flagged_.contains(e.account)) sampler_->offer(e, f);
  if (!on_look_) return;
  // Between looks the evidence stays and the exposure grows: of those that it matters of, it is told now and then.
  if (observed != pipeline::Observed::kLooked) {
    const auto followed = followed_.empty() ? followed_.end() : followed_.find(e.account);
    if (followed == followed_.end() || --followed->second > 0) return;
  }
  tell(e.account);
}

void Observer::write_down(const dialect::Exchange& e, const features::Features& f) {
  if (journal_->records.size() > kJournalBytesMax) {
    journal_->first += journal_->count;
    journal_->count = 0;
    journal_->records.clear();
    journal_gap_ = true;
  }
  journal_->add(e.account, e.organization, f);
}

// Memory goes back to those who fill it: allocating on one thread and freeing on another is what malloc does worst.
void Observer::keep_memory(std::vector<Observation>& batch) {
  size_t bytes = 0;
  for (Observation& o : batch) {
    o.request.clear();
    o.response.clear();
    bytes += o.request.capacity() + o.response.capacity();
    if (bytes > kSpareBytesMax) break;
  }
  const std::lock_guard lock(queue_mutex_);
  if (bytes <= kSpareBytesMax && spare_.size() < batch.size()) spare_.swap(batch);
  batch.clear();
}

ObserverCounts Observer::counts() const {
  ObserverCounts c;
  c.observed = observed_.load(std::memory_order_relaxed);
  c.prompts = prompts_.load(std::memory_order_relaxed);
  c.shed = shed_.load(std::memory_order_relaxed);
  {
    const std::lock_guard lock(queue_mutex_);
    c.waiting = queue_.size();
  }
  c.lag_ms = lag_ms_.load(std::memory_order_relaxed);
  visit([&](const pipeline::Pipeline& p) {
    c.accounts = p.accounts();
    c.profiles = p.profiles();
  });
  return c;
}

void Observer::start_journal(uint64_t last) {
  const std::lock_guard lock(pipeline_mutex_);
  journal_.emplace().first = last + 1;
}

Observer::Taken Observer::take(size_t subjects_max) {
  const std::lock_guard lock(pipeline_mutex_);
  Taken taken;
  if (!journal_) return taken;
  taken.journal = std::move(*journal_);
  journal_.emplace().first = taken.journal.last() + 1;
  taken.gap = std::exchange(journal_gap_, false);
  taken.subjects = pipeline_->take_changed(subjects_max);
  if (sampler_) taken.exemplars = sampler_->take();
  return taken;
}

void Observer::keep_exemplars(size_t per_account, const std::vector<Exemplar>& kept) {
  visit([&](const pipeline::Pipeline&) {
    sampler_.emplace(per_account);
    for (const Exemplar& e : kept) sampler_->resume(e.account, e.key);
  });
}

void Observer::forget_exemplars(std::string_view account) {
  visit([&](const pipeline::Pipeline&) {
    if (sampler_) sampler_->forget(account);
  });
}

size_t Observer::crowd() const {
  size_t crowd = 0;
  visit([&](const pipeline::Pipeline& p) { crowd = p.crowd(); });
  return crowd;
}

void Observer::cool() {
  visit([](pipeline::Pipeline& p) { p.cool(); });
}

void Observer::set_labels(verdict::Labels labels) {
  visit([&](pipeline::Pipeline& p) { p.set_labels(std::move(labels)); });
}

void Observer::tell(std::string_view account) {
  constexpr int kBetween = 8;  // exchanges
  auto finding = pipeline_->outline(account);
  if (finding && finding->flagged) pipeline_->explain(*finding);
  if (sampler_ && finding && finding->flagged) {
    flagged_.emplace(account);
  } else if (!flagged_.empty()) {
    if (const auto it = flagged_.find(account); it != flagged_.end()) flagged_.erase(it);
  }
  if (finding && on_look_(*finding)) {
    followed_.insert_or_assign(std::string(account), kBetween);
  } else {
    followed_.erase(std::string(account));
  }
}

void Observer::refresh() {
  if (!on_look_) return;
  constexpr size_t kSlice = 256;
  size_t slots = 1;
  for (size_t slot = 0; slot < slots; slot += kSlice) {
    visit([&](pipeline::Pipeline& p) {
      slots = p.slots();
      std::vector<pipeline::Place> places;
      p.places(slot, kSlice, places);
      for (const pipeline::Place& place : places) tell(place.account);
    });
  }
}

void Observer::refresh(std::string_view account) {
  if (!on_look_) return;
  visit([&](const pipeline::Pipeline&) { tell(account); });
}

bool Observer::forget(std::string_view account) {
  bool known = false;
  visit([&](pipeline::Pipeline& p) {
    followed_.erase(std::string(account));
    if (sampler_) sampler_->forget(account);
    known = p.forget(account);
  });
  return known;
}

pipeline::Findings Observer::findings() const {
  pipeline::Findings found;
  visit([&](pipeline::Pipeline& p) { found = p.findings(); });
  return found;
}

}  // namespace stillwatch::gateway
