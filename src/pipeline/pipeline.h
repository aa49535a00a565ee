// The one pipeline: features in, findings out; the same for a log file and a live socket. No I/O, no clock: time is the
// exchanges' time. Exchanges of one account must come in order of time up to the disorder that sources put right
// (base::kReorderWindowMs); profiles do not depend on order at all, only when looks happen does.
//
// Accounts are judged as their looks happen. Without a baseline they are judged by the reference until somebody
// calibrates on the traffic itself; judgements are then made anew when they are asked for.
//
// Profiles may leave memory for a store, those first that were not seen for longest; everything else of an account
// stays: what is found does not depend on it. Thread rule: one thread at a time. Bounds: profiles
// (base::kProfileBytesMax) as the options say; some hundred bytes and at most kLooks look records an epoch for each
// account.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "campaigns/reference.h"
#include "features/features.h"
#include "pipeline/findings.h"
#include "pipeline/ranking.h"
#include "signals/baseline.h"
#include "verdict/labels.h"

namespace stillwatch::pipeline {

struct Options {
  double false_alarms_per_10000 = 5;  // per month (an epoch of base::kEpochMs)
  size_t profiles_max = SIZE_MAX;     // in memory, once fetch_with() was called
  size_t crowd_max = 16'384;          // beyond that, until they are saved
  unsigned threads = 1;               // that campaigns are searched with, or learnt about
  // What honest groups look like, by which campaigns are judged; null: none are sought.
  std::shared_ptr<const campaigns::Reference> campaigns = nullptr;
};

// An account as bytes that load() takes back (docs/formats/store.md).
struct SavedSubject {
  std::string account;
  base::Time last_seen{};
  std::string bytes;
};

enum class Observed : uint8_t {
  kAdded,
  kLooked,  // and the account was looked at: its evidence may be another now
  kLost,    // its profile is not in memory and cannot be, for none of those there can be saved
};

class Pipeline {
 public:
  // `baseline` null: calibrate on the traffic itself when findings() is called, or use the reference where it is too
  // little; either way the findings are labelled uncalibrated.
  Pipeline(std::shared_ptr<const signals::Baseline> baseline, verdict::Labels labels, Options options);
  ~Pipeline();

  // Settles what earlier exchanges of the account say about this one: how deep the conversation is that it goes on from
  // (base::kAnswersRemembered answers are remembered). False if it is an answer that was counted before. To be called
  // before observe(); a second time it changes nothing but what it returns.
  bool follow(std::string_view account, features::Features& f);
  Observed observe(std::string_view account, std::string_view organization, const features::Features& f);

  // What is known now. May be called more than once; costs a pass over all accounts.
  Findings findings();

  // A baseline calibrated on everything observed (labels respected); fails, saying how much is missing, for too little.
  base::Result<signals::Baseline> calibrate() const;

  std::vector<CampaignFinding> campaigns() const;
  // campaigns() in pieces, for callers that cannot wait for it: find_campaigns (campaigns.h) on the traces of all
  // slots, in the order of accounts' names.
  std::shared_ptr<const campaigns::Reference> campaign_reference() const;  // null: none are sought
  void traces(size_t from, size_t count, std::vector<campaigns::Trace>& out) const;
  std::shared_ptr<const profile::Summary> lifetime(std::string_view account) const;  // null if it cannot be had
  // What honest groups look like, of everything observed (accounts labelled hostile left out).
  base::Result<campaigns::Reference> calibrate_campaigns(const signals::Baseline& baseline) const;

  // One account as it is judged now, without what only a ranking can say. Nothing for an account never seen.
  std::optional<AccountFinding> outline(std::string_view account);  // no reasons, no summary
  std::optional<AccountFinding> finding(std::string_view account);
  // With what its place in a ranking says.
  std::optional<AccountFinding> outline(const Place& place);
  std::optional<AccountFinding> finding(const Place& place);
  void explain(AccountFinding& outline);  // adds the reasons

  // findings() in pieces, for callers that cannot wait for it. Accounts stand in slots, of which forgotten ones leave
  // theirs to others.
  size_t slots() const;
  void places(size_t from, size_t count, std::vector<Place>& out);
  Overview overview() const;                                  // without what rank() adds
  std::shared_ptr<const signals::Baseline> baseline() const;  // that judges now
  // For a pipeline that was given no baseline: what to calibrate on, and the result, by which all are judged from now.
  bool calibrates_itself() const;
  void sightings(size_t from, size_t count, std::vector<signals::Subject>& out) const;
  void judge_by(std::shared_ptr<const signals::Baseline> own);
  // The same number means that nothing changed: of what sightings() gives, of anything.
  uint64_t sightings_version() const;
  uint64_t version() const;

  void set_labels(verdict::Labels labels);

  // Where a profile is that left memory: the bytes that were last saved, "" if there are none. May fail.
  using Fetch = std::function<base::Result<std::string>(std::string_view account)>;
  void fetch_with(Fetch fetch);
  // The accounts that changed since they were last returned here, at most `max` of them, those first whose profiles
  // have to leave memory.
  std::vector<SavedSubject> take_changed(size_t max);
  size_t crowd() const;  // profiles beyond profiles_max
  // Lets profiles beyond profiles_max go. All that take_changed() returned must have been saved.
  void cool();

  base::Result<void> load(std::string_view account, std::string_view bytes);
  bool forget(std::string_view account);  // false if there is no such account

  uint64_t exchanges() const;
  uint64_t accounts() const;
  size_t profiles() const;  // in memory
  size_t bytes() const;     // memory held for subjects

 private:
  base::Result<signals::Baseline> calibrate(std::string name, bool calibrated) const;

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stillwatch::pipeline
