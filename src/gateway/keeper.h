// Keeps what the observer learns in the archive, twice a second, by a thread of its own: so that a killed gateway has
// lost less than a second of observations and no finding that anybody was told of. Every few minutes all accounts that
// changed are saved, a slice at a time, and the journal before that is dropped. Profiles that have to leave memory are
// saved at once.
//
// Where the archive cannot be written (disk full, read-only) the promise is suspended and says so; what was missed of
// the journal is made good by saving the accounts once writing works again. Nobody waits for the archive but those who
// ask it to forget or to label.
//
// Thread rule: all methods from any thread. Bounds: kJournalBytesMax of journal and kEvidenceWaitingMax of evidence not
// yet written.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "gateway/archive.h"
#include "gateway/observer.h"

namespace stillwatch::gateway {

constexpr size_t kEvidenceWaitingMax = 64u << 20;  // bytes, not written yet

struct KeeperSettings {
  std::function<base::Time()> now;
  std::chrono::milliseconds interval{500};
  uint64_t rounds_between_saves = 600;  // of the interval
  std::chrono::days subjects_for{365};  // since their last exchange
  std::chrono::days findings_for{730};
  size_t exemplars = 0;  // of each flagged account
  std::chrono::days exemplars_for{30};
  Sinks to_tell = 0;  // of findings
  // Called after findings are safe, with those that were not reported before.
  std::function<void(const Finding&)> on_kept;
  std::function<void(const std::string& why)> on_suspended;  // "" when it works again
};

class Keeper {
 public:
  Keeper(std::shared_ptr<Archive> archive, uint64_t last_exchange, Observer& observer, KeeperSettings settings);
  ~Keeper();
  // Saves everything and ends; only told() and what asks the archive work from now on.
  void finish();

  void note(Finding finding);
  // All flagged campaigns as they are now, and findings about those that were not before: kept together.
  void note(std::vector<std::string> campaigns, std::vector<Finding> findings);
  // Sinks were told of the finding about an account: kept at the next round, or when this ends.
  void told(const std::string& account, Sinks sinks);
  // Evidence of what was put into an answer. False if it is lost: more waits than kEvidenceWaitingMax.
  bool note(EvidenceLine line);
  bool suspended() const;

  base::Result<verdict::Labels> labels() { return archive_->labels(); }
  base::Result<std::vector<Exemplar>> exemplars(std::string_view account) { return archive_->exemplars(account); }
  base::Result<std::string> evidence(uint64_t& after, size_t bytes_max) { return archive_->evidence(after, bytes_max); }
  base::Result<std::vector<Redeemed>> redeemed() { return archive_->redeemed(); }
  base::Result<void> keep(const Approval& approval) { return archive_->put_approval(approval, settings_.now()); }
  base::Result<void> keep(const Redeemed& redeemed) { return archive_->put_redeemed(redeemed); }
  base::Result<void> label(std::string_view account, const verdict::Label& label);
  // From the observer, the archive and whatever waits to be written; false if there was nothing of it.
  base::Result<bool> forget(std::string_view account);

 private:
  void run();
  base::Result<void> round(bool everything);
  void tell(std::string trouble);
  void expire();

  mutable std::mutex mutex_;  // of what waits for the archive
  std::shared_ptr<Archive> archive_;
  Observer& observer_;
  KeeperSettings settings_;
  Archive::Changes waiting_;
  uint64_t rounds_ = 0;
  uint64_t saving_until_ = 0;  // the exchange that a save under way began at, 0 if none is
  size_t journal_bytes_ = 0;   // since the last save
  std::string trouble_;

  std::mutex noted_mutex_;
  std::vector<Finding> noted_;
  std::optional<std::vector<std::string>> campaigns_;
  std::vector<EvidenceLine> evidence_;
  size_t evidence_bytes_ = 0;  // of these, and of those that wait for the archive
  std::vector<std::pair<std::string, Sinks>> told_;

  std::mutex stop_mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace stillwatch::gateway
