#include "pipeline/accounts.h"

namespace stillwatch::pipeline {

void Accounts::bound(size_t profiles_max, size_t crowd_max, Fetch fetch) {
  profiles_max_ = profiles_max;
  crowd_max_ = crowd_max;
  fetch_ = std::move(fetch);
  for (Node* node : slots_) {
    if (node != nullptr && node->second.subject.watch) node->second.use = by_use_.insert(by_use_.end(), node);
  }
}

Accounts::Node* Accounts::find(std::string_view name) {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &*it;
}

const Accounts::Node* Accounts::find(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &*it;
}

Accounts::Node& Accounts::insert(std::string_view name) {
  Node& node = *by_name_.emplace(std::string(name), Account{}).first;
  if (free_.empty()) {
    node.second.slot = slots_.size();
    slots_.push_back(&node);
  } else {
    node.second.slot = free_.back();
    free_.pop_back();
    slots_[node.second.slot] = &node;
  }
  return node;
}

void Accounts::take_in(Node& node, std::unique_ptr<Watch> watch) {
  node.second.subject.watch = std::move(watch);
  ++profiles_;
  if (!fetch_) return;
  node.second.use = by_use_.insert(by_use_.end(), &node);
  node.second.used = ++uses_;
}

void Accounts::drop_profile(Account& account) {
  account.tally = account.tallied();
  account.subject.watch = nullptr;
  if (fetch_) by_use_.erase(account.use);
  --profiles_;
}

Accounts::Node* Accounts::use(std::string_view name) {
  const auto it = by_name_.find(name);
  if (it != by_name_.end() && it->second.subject.watch) {
    // Not at each use: its neighbours in the list are in no cache.
    if (fetch_ && ++uses_ - it->second.used > profiles_max_ / 8) {
      by_use_.splice(by_use_.end(), by_use_, it->second.use);
      it->second.used = uses_;
    }
    return &*it;
  }
  if (crowd() >= crowd_max_) return nullptr;
  if (it == by_name_.end()) {
    Node& node = insert(name);
    take_in(node, std::make_unique<Watch>());
    return &node;
  }
  auto bytes = fetch_(name);
  if (!bytes) return nullptr;
  Account& account = it->second;
  if (bytes->empty()) {  // removed from the store for its age: it begins anew
    account.judged = {};
    account.subject = {};
    take_in(*it, std::make_unique<Watch>());
    return &*it;
  }
  auto subject = Subject::parse(*bytes);
  if (!subject) return nullptr;
  account.subject = std::move(*subject);
  take_in(*it, std::move(account.subject.watch));
  return &*it;
}

std::optional<profile::Summary> Accounts::lifetime(const Node& node) const {
  if (node.second.subject.watch) return node.second.subject.watch->profile().lifetime();
  const auto bytes = fetch_(node.first);
  if (!bytes || bytes->empty()) return std::nullopt;
  const auto subject = Subject::parse(*bytes);
  if (!subject) return std::nullopt;
  return subject->watch->profile().lifetime();
}

Account& Accounts::put(std::string_view name, Subject subject) {
  if (Node* there = find(name)) erase(*there);
  Node& node = insert(name);
  auto watch = std::move(subject.watch);
  node.second.subject = std::move(subject);
  take_in(node, std::move(watch));
  return node.second;
}

void Accounts::erase(Node& node) {
  Account& account = node.second;
  if (account.subject.watch) drop_profile(account);
  slots_[account.slot] = nullptr;
  free_.push_back(account.slot);
  by_name_.erase(by_name_.find(node.first));
}

void Accounts::note_change(Node& node) {
  if (node.second.subject.changed) return;
  node.second.subject.changed = true;
  changed_.push_back(node.second.slot);
}

std::vector<Accounts::Node*> Accounts::take_changed(size_t max) {
  std::vector<Node*> taken;
  const auto take = [&](Node* node) {
    if (node == nullptr || !node->second.subject.changed) return;
    node->second.subject.changed = false;
    taken.push_back(node);
  };
  size_t leaving = crowd();
  for (auto it = by_use_.begin(); leaving > 0 && it != by_use_.end() && taken.size() < max; ++it, --leaving) take(*it);
  while (!changed_.empty() && taken.size() < max) {
    take(slots_[changed_.front()]);
    changed_.pop_front();
  }
  return taken;
}

}  // namespace stillwatch::pipeline
