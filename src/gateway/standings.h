// How accounts stand and what the policy decides about them: written when evidence or exposure change, looked up for
// every request. Where a policy refuses more accounts than it may without a second operator, those beyond wait: they
// are decided about as if that rung only observed.
//
// Kept are accounts that a policy can be about: flagged, labelled, with a p-value up to verdict::kPValueMax, or members
// of a flagged campaign. Thread rule: all methods from any thread; find() costs next to nothing while nobody stands
// out.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "gateway/proofs.h"
#include "pipeline/findings.h"
#include "verdict/policy.h"

namespace stillwatch::gateway {

struct Decided {
  verdict::Decision decision;
  std::shared_ptr<const verdict::Policy> policy;  // keeps what the decision points to
  std::string campaign;                           // that it is about, if it acts on one as a whole
};

class Standings {
 public:
  explicit Standings(std::shared_ptr<const verdict::Policy> policy) : policy_(std::move(policy)) {}

  // True if the account is kept for its own sake: what it takes matters from now on.
  bool update(const pipeline::AccountFinding& finding);
  void set_policy(std::shared_ptr<const verdict::Policy> policy);
  // Who is a member of a flagged campaign from now on.
  using Members = std::unordered_map<std::string, verdict::CampaignStanding, base::TextHash, std::equal_to<>>;
  void set_members(const Members& members);
  void forget(std::string_view account);
  // Of another policy than the one in force it says nothing.
  void approve(const Approval& approval);

  // Nothing for an account that nothing is decided about.
  std::optional<Decided> find(std::string_view account) const;

  std::shared_ptr<const verdict::Policy> policy() const;
  struct Row {
    std::string account;
    verdict::Decision decision;
    bool waits = false;
  };
  std::vector<Row> decided() const;    // by name
  size_t refuse_accounts_max() const;  // approval included

 private:
  struct Entry {
    verdict::Standing standing;  // its account is empty: the key is
    verdict::Decision decision;
    bool own = false;      // kept for its own sake
    bool refused = false;  // counts among refused_
    bool waits = false;    // to be refused, for a second operator
  };
  void decide(std::string_view account, Entry& entry);
  void decide_all();
  void remove(std::string_view account);
  size_t limit() const;

  mutable std::shared_mutex mutex_;
  std::shared_ptr<const verdict::Policy> policy_;
  std::unordered_map<std::string, Entry, base::TextHash, std::equal_to<>> entries_;
  Approval approval_;
  size_t refused_ = 0;
  std::atomic<size_t> kept_{0};
};

}  // namespace stillwatch::gateway
