// Looks for campaigns among all accounts once in a while, beside the observer: by the code of a scan, on the same
// traces (pipeline/campaigns.h). Traces are taken a few accounts at a time and what is found from them is found without
// the observer's lock; of members alone whole summaries are read. Where the pipeline has no reference of honest groups
// there is nothing to do.
//
// A look begins `period` after the last one began, and takes a tenth of a core's time at most. Thread rule: all methods
// from any thread. Bounds: a trace (2.7 KiB) an account while a look is under way.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "gateway/campaign_ledger.h"
#include "gateway/observer.h"

namespace stillwatch::gateway {

struct CampaignLook {
  uint64_t looks = 0;  // so far
  base::Time looked{};
  double cpu_seconds = 0;
};

// As the last look left them.
struct Campaigns {
  std::vector<pipeline::CampaignFinding> all;  // flagged ones first, then by p-value
  std::unordered_map<std::string, size_t, base::TextHash, std::equal_to<>>
      member_of;  // of flagged ones: place in `all`
  CampaignLook last;

  const pipeline::CampaignFinding* of(std::string_view account) const;  // null: a member of none
  const pipeline::CampaignFinding* find(std::string_view campaign) const;
};

struct CampaignWatchSettings {
  std::function<base::Time()> now;
  std::chrono::seconds period{600};
  std::chrono::days keep_for{730};                    // flagged ones, since they were last seen
  std::vector<pipeline::CampaignFinding> known = {};  // from before
  // Called after a look, and when an account is forgotten: what is known now, and the names of those that were flagged
  // for the first time.
  std::function<void(const Campaigns&, const std::vector<std::string>& fresh)> on_change;
};

class CampaignWatch {
 public:
  CampaignWatch(Observer& observer, CampaignWatchSettings settings);
  ~CampaignWatch();

  void look();  // now, by the caller
  std::shared_ptr<const Campaigns> latest() const;
  void forget(std::string_view account);

 private:
  void run();
  bool due() const;
  std::vector<pipeline::CampaignFinding> find();
  void publish(const std::vector<std::string>& fresh);

  Observer& observer_;
  CampaignWatchSettings settings_;

  std::mutex looking_;  // one look at a time

  mutable std::mutex mutex_;
  CampaignLedger ledger_;
  CampaignLook last_;
  std::shared_ptr<const Campaigns> latest_;
  std::vector<std::string> forgotten_;  // since the look under way began
  base::Time next_{};

  std::mutex stop_mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace stillwatch::gateway
