// All accounts under watch, by name and in slots; and which of their profiles are in memory: all, until somebody says
// where to fetch those from that are not. Private to the module.
//
// Invariant: an account without a profile in memory is whole in the store, has not changed since, and keeps here what a
// ranking and a table need. Nodes stay where they are until they are erased. Thread rule: one thread at a time. Bounds:
// use() brings no profile into memory beyond `profiles_max` and `crowd_max`.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <list>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "pipeline/judged.h"
#include "pipeline/subject.h"

namespace stillwatch::pipeline {

struct Account {
  Subject subject;
  Judged judged;
  Tally tally;  // while its profile is not in memory
  size_t slot = 0;
  uint64_t used = 0;                                                // when it was last put behind all others
  std::list<std::pair<const std::string, Account>*>::iterator use;  // while it is, and profiles are bounded

  uint64_t exchanges() const { return subject.watch ? subject.watch->profile().exchanges() : tally.exchanges; }
  Tally tallied() const { return subject.watch ? Tally::of(subject.watch->profile()) : tally; }
};

class Accounts {
 public:
  using Node = std::pair<const std::string, Account>;
  using Fetch = std::function<base::Result<std::string>(std::string_view account)>;

  void bound(size_t profiles_max, size_t crowd_max, Fetch fetch);

  Node* find(std::string_view name);
  const Node* find(std::string_view name) const;
  // With its profile in memory, made where there is no such account; null if that cannot be.
  Node* use(std::string_view name);
  // Its whole life; nothing if that cannot be had.
  std::optional<profile::Summary> lifetime(const Node& node) const;
  Account& put(std::string_view name, Subject subject);  // as it was saved
  void erase(Node& node);

  void note_change(Node& node);
  // Those that changed since they were last given here, at most `max`, those first whose profiles have to leave.
  std::vector<Node*> take_changed(size_t max);
  size_t crowd() const { return fetch_ && profiles_ > profiles_max_ ? profiles_ - profiles_max_ : 0; }
  // Lets profiles beyond the bound go; leave(account) is called before.
  template <typename Leave>
  void cool(Leave leave) {
    for (auto it = by_use_.begin(); it != by_use_.end() && crowd() > 0;) {
      Account& account = (*it)->second;
      ++it;
      if (account.subject.changed) continue;
      leave(account);
      drop_profile(account);
    }
  }

  size_t size() const { return by_name_.size(); }
  size_t profiles() const { return profiles_; }
  std::span<Node* const> slots() const { return slots_; }
  std::span<Node* const> slots(size_t from, size_t count) const {
    from = std::min(from, slots_.size());
    return slots().subspan(from, std::min(count, slots_.size() - from));
  }

 private:
  Node& insert(std::string_view name);
  void take_in(Node& node, std::unique_ptr<Watch> watch);
  void drop_profile(Account& account);

  std::unordered_map<std::string, Account, base::TextHash, std::equal_to<>> by_name_;
  std::vector<Node*> slots_;  // null: free
  std::vector<size_t> free_;
  std::deque<size_t> changed_;  // slots of those that changed, the first first; some may be saved or gone since
  std::list<Node*> by_use_;     // those with a profile, the longest unseen first, about
  uint64_t uses_ = 0;
  size_t profiles_ = 0;
  size_t profiles_max_ = SIZE_MAX;
  size_t crowd_max_ = SIZE_MAX;
  Fetch fetch_;
};

}  // namespace stillwatch::pipeline
