#include "gateway/ranker.h"

#include <pthread.h>

#include <algorithm>
#include <numeric>

namespace stillwatch::gateway {
namespace {

using pipeline::Pipeline;

constexpr size_t kSlice = 256;  // accounts looked through at once: below a millisecond or two
constexpr std::chrono::milliseconds kPatience(200);
constexpr std::chrono::seconds kBetweenCalibrations(60);
constexpr int kRestFactor = 9;  // times the time that a ranking took

// Calls look(pipeline, first slot) for every slice of the accounts; nobody waits for more than one.
template <typename Look>
void for_each_slice(Observer& observer, Look look) {
  size_t slots = 1;
  for (size_t slot = 0; slot < slots; slot += kSlice) {
    observer.visit([&](Pipeline& p) {
      slots = p.slots();
      look(p, slot);
    });
  }
}

}  // namespace

const pipeline::Place* Ranking::find(std::string_view account) const {
  const auto it = std::lower_bound(by_name.begin(), by_name.end(), account,
                                   [this](uint32_t i, std::string_view name) { return places[i].account < name; });
  return it != by_name.end() && places[*it].account == account ? &places[*it] : nullptr;
}

Ranker::Ranker(Observer& observer, std::function<base::Time()> now)
    : observer_(observer), now_(std::move(now)), thread_([this] { run(); }) {}

Ranker::~Ranker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

std::shared_ptr<const Ranking> Ranker::latest() {
  std::unique_lock lock(mutex_);
  const uint64_t ticket = ++asked_;
  wake_.notify_one();
  made_.wait_for(lock, kPatience, [&] { return served_ >= ticket; });
  made_.wait(lock, [&] { return ranking_ != nullptr; });
  return ranking_;
}

void Ranker::run() {
  ::pthread_setname_np(::pthread_self(), "rank");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const bool asked = wake_.wait_for(lock, kBetweenCalibrations, [this] { return stopping_ || asked_ > served_; });
    if (stopping_) return;
    const uint64_t serving = asked_;
    lock.unlock();
    const base::Time begun = now_();
    calibrate();
    auto ranking = asked ? make() : nullptr;
    const auto took = now_() - begun;
    lock.lock();
    if (ranking) ranking_ = std::move(ranking);
    served_ = serving;
    made_.notify_all();
    wake_.wait_for(lock, kRestFactor * took, [this] { return stopping_; });
  }
}

// On all traffic so far, where that is how accounts are judged.
void Ranker::calibrate() {
  uint64_t version = 0;
  base::Time last{};
  bool itself = false;
  observer_.visit([&](Pipeline& p) {
    itself = p.calibrates_itself();
    version = p.sightings_version();
    last = p.overview().last;
  });
  if (!itself || version == calibrated_version_) return;
  calibrated_version_ = version;
  std::vector<signals::Subject> subjects;
  for_each_slice(observer_, [&](Pipeline& p, size_t slot) { p.sightings(slot, kSlice, subjects); });
  const auto reference = signals::Baseline::reference();
  auto own = signals::Baseline::calibrate(subjects, reference.get(), "this traffic", last, false);
  const auto baseline = own ? std::make_shared<const signals::Baseline>(std::move(*own)) : reference;
  bool news = false;
  observer_.visit([&](Pipeline& p) {
    news = p.baseline() != baseline;
    p.judge_by(baseline);
  });
  if (news) observer_.refresh();
}

std::shared_ptr<const Ranking> Ranker::make() {
  uint64_t version = 0;
  auto ranking = std::make_shared<Ranking>();
  std::shared_ptr<const signals::Baseline> baseline;
  observer_.visit([&](Pipeline& p) {
    version = p.version();
    ranking->overview = p.overview();
    baseline = p.baseline();
  });
  if (ranking_ && version == made_version_) return ranking_;
  made_version_ = version;
  for_each_slice(observer_, [&](Pipeline& p, size_t slot) { p.places(slot, kSlice, ranking->places); });
  pipeline::rank(ranking->places, *baseline, ranking->overview);
  ranking->by_name.resize(ranking->places.size());
  std::iota(ranking->by_name.begin(), ranking->by_name.end(), 0u);
  std::sort(ranking->by_name.begin(), ranking->by_name.end(),
            [&](uint32_t a, uint32_t b) { return ranking->places[a].account < ranking->places[b].account; });
  return ranking;
}

}  // namespace stillwatch::gateway
