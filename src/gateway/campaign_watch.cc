#include "gateway/campaign_watch.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>

#include "pipeline/campaigns.h"

namespace stillwatch::gateway {
namespace {

using pipeline::CampaignFinding;
using pipeline::Pipeline;

constexpr size_t kSlice = 32;  // accounts: below a millisecond or two
constexpr std::chrono::milliseconds kTick(250);
constexpr int kRestFactor = 9;  // times the time that a look took

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

const CampaignFinding* Campaigns::of(std::string_view account) const {
  const auto it = member_of.find(account);
  return it == member_of.end() ? nullptr : &all[it->second];
}

const CampaignFinding* Campaigns::find(std::string_view campaign) const {
  const auto it =
      std::find_if(all.begin(), all.end(), [&](const CampaignFinding& c) { return c.campaign == campaign; });
  return it == all.end() ? nullptr : &*it;
}

CampaignWatch::CampaignWatch(Observer& observer, CampaignWatchSettings settings)
    : observer_(observer), settings_(std::move(settings)), ledger_(std::move(settings_.known)) {
  next_ = settings_.now() + settings_.period;
  publish({});
  thread_ = std::thread([this] { run(); });
}

CampaignWatch::~CampaignWatch() {
  {
    const std::lock_guard lock(stop_mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  thread_.join();
}

void CampaignWatch::run() {
  ::pthread_setname_np(::pthread_self(), "campaigns");
  while (true) {
    {
      std::unique_lock lock(stop_mutex_);
      if (stop_.wait_for(lock, kTick, [this] { return stopping_; })) return;
    }
    if (due()) look();
  }
}

bool CampaignWatch::due() const {
  const std::lock_guard lock(mutex_);
  return settings_.now() >= next_;
}

void CampaignWatch::look() {
  const std::lock_guard looking(looking_);
  const base::Time begun = settings_.now();
  const double cpu_begun = cpu_seconds();
  {
    const std::lock_guard lock(mutex_);
    forgotten_.clear();
    next_ = begun + settings_.period;
  }
  bool can = false;
  observer_.visit([&](const Pipeline& p) { can = p.campaign_reference() != nullptr; });
  if (!can) return;
  std::vector<CampaignFinding> found = find();
  const std::lock_guard lock(mutex_);
  const base::Time now = settings_.now();
  std::vector<std::string> fresh = ledger_.update(std::move(found), now, now - settings_.keep_for);
  for (const std::string& account : forgotten_) ledger_.forget(account);
  next_ = std::max(next_, now + kRestFactor * (now - begun));
  last_.looks += 1;
  last_.looked = now;
  last_.cpu_seconds = cpu_seconds() - cpu_begun;
  publish(fresh);
}

std::vector<CampaignFinding> CampaignWatch::find() {
  std::shared_ptr<const campaigns::Reference> reference;
  std::shared_ptr<const signals::Baseline> baseline;
  campaigns::Accounts accounts;
  std::vector<campaigns::Trace>& traces = accounts.traces;
  size_t slots = 1;
  for (size_t slot = 0; slot < slots; slot += kSlice) {
    observer_.visit([&](const Pipeline& p) {
      reference = p.campaign_reference();
      baseline = p.baseline();
      slots = p.slots();
      p.traces(slot, kSlice, traces);
    });
  }
  std::sort(traces.begin(), traces.end(), [](const auto& a, const auto& b) { return a.account < b.account; });
  // Forgotten and back in another slot meanwhile.
  traces.erase(
      std::unique(traces.begin(), traces.end(), [](const auto& a, const auto& b) { return a.account == b.account; }),
      traces.end());
  accounts.summary_of = [&](uint32_t i) {
    std::shared_ptr<const profile::Summary> summary;
    observer_.visit([&](const Pipeline& p) { summary = p.lifetime(traces[i].account); });
    return summary;
  };
  return pipeline::find_campaigns(accounts, *reference, *baseline);
}

// REQUIRES: mutex_ is held.
void CampaignWatch::publish(const std::vector<std::string>& fresh) {
  auto now = std::make_shared<Campaigns>();
  now->all = ledger_.known();
  now->last = last_;
  for (size_t i = 0; i < now->all.size() && now->all[i].flagged; ++i) {
    for (const std::string& account : now->all[i].accounts) now->member_of.emplace(account, i);
  }
  latest_ = std::move(now);
  if (settings_.on_change) settings_.on_change(*latest_, fresh);
}

std::shared_ptr<const Campaigns> CampaignWatch::latest() const {
  const std::lock_guard lock(mutex_);
  return latest_;
}

void CampaignWatch::forget(std::string_view account) {
  const std::lock_guard lock(mutex_);
  forgotten_.emplace_back(account);
  if (ledger_.forget(account)) publish({});
}

}  // namespace stillwatch::gateway
