#include "population/account.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace stillwatch::population {
namespace {

uint32_t lognormal(double median, double sigma, double most, base::Random& random) {
  return static_cast<uint32_t>(std::clamp(median * std::exp(sigma * random.normal()), 1.0, most));
}

uint32_t drawn(const std::vector<uint32_t>& observed, double median, double sigma, base::Random& random) {
  return observed.empty() ? lognormal(median, sigma, 4000, random) : observed[random.below(observed.size())];
}

std::string fresh_name(base::Random& random) {
  return fmt::format("acct_{:012x}", random.bits() >> 16);
}

}  // namespace

Person::Person(const Pool& pool, double persistence, base::Random& random) : pool_(&pool), persistence_(persistence) {
  main_ = pool.all[random.below(pool.all.size())]->topic;
}

Deck& Person::deck(uint16_t topic, base::Random& random) {
  for (auto& [known, deck] : decks_) {
    if (known == topic) return deck;
  }
  return decks_.emplace_back(topic, Deck(pool_->by_topic[topic], random)).second;
}

const Conversation* Person::next(base::Random& random) {
  constexpr int kTries = 12;  // topics may run dry; after that many the person has asked all it had to ask
  for (int i = 0; i < kTries; ++i) {
    const uint16_t topic = random.chance(persistence_) ? main_ : pool_->all[random.below(pool_->all.size())]->topic;
    if (const Conversation* c = deck(topic, random).next()) return c;
    if (topic == main_) main_ = pool_->all[random.below(pool_->all.size())]->topic;  // a new interest
  }
  return nullptr;
}

Account::Account(const Cast& cast, uint32_t member, uint32_t campaign_size, base::Random random, base::Random shared)
    : cast_(&cast),
      member_(member),
      campaign_size_(campaign_size),
      random_(random),
      campaign_(shared),
      repository_(random_) {
  const Group& g = *cast.group;
  name = fresh_name(random_);
  base::Random deck_random = shared.fork(1);
  choose_identity(shared);
  switch (g.kind) {
    case Class::kPeople:
    case Class::kReseller:
    case Class::kOffice: {
      // A reseller's many persons are drawn afresh conversation by conversation; an office's few are kept.
      const uint32_t kept = g.kind == Class::kOffice ? g.persons : 1;
      const double persistence = g.kind == Class::kReseller ? 0 : cast.persistence;
      for (uint32_t i = 0; i < kept; ++i) persons_.emplace_back(*cast.pool, persistence, random_);
      break;
    }
    case Class::kHarvest:
      harvest_ = Deck(cast.pool->all, deck_random);
      if (cast.cover != nullptr) persons_.emplace_back(*cast.cover, cast.persistence, random_);
      break;
    case Class::kProductBot: {
      // A bot knows a handful of intents.
      const size_t intents = 3 + random_.below(12);
      for (size_t i = 0; i < intents; ++i) {
        decks_.emplace_back(cast.pool->by_group[random_.below(cast.pool->by_group.size())], random_);
      }
      system_ = bot_system_prompt(random_);
      break;
    }
    case Class::kPipeline:
      for (uint32_t i = 0; i < g.templates; ++i) {
        decks_.emplace_back(cast.pool->by_group[random_.below(cast.pool->by_group.size())], random_);
      }
      break;
    case Class::kLabelling:
      instruction_ = labelling_instruction(random_);
      decks_.emplace_back(cast.pool->all, random_);
      break;
    case Class::kEvaluator: {
      // One benchmark, or a slice of a long one, from its beginning every time.
      const std::string& source = cast.pool->group_source[random_.below(cast.pool->group_source.size())];
      Cards cards;
      for (size_t i = 0; i < cast.pool->by_group.size(); ++i) {
        if (cast.pool->group_source[i] != source) continue;
        decks_.emplace_back(cast.pool->by_group[i], random_);
      }
      break;
    }
    case Class::kCodingAgent:
      system_ = fmt::format("Work in the repository {}. Use the tools.", repository_.names[0]);
      break;
  }
}

void Account::choose_identity(base::Random& shared) {
  const Group& g = *cast_->group;
  base::Random same = shared.fork(2);
  anthropic = random_.chance(0.25);
  const bool own_network = g.network == Identity::kUnshared;
  const size_t count = g.kind == Class::kReseller ? 1 + random_.below(40) : 1 + random_.below(3);
  networks.clear();
  for (size_t i = 0; i < count; ++i) {
    std::string network = address_of(g.network == Identity::kShared ? same : random_);
    if (g.network == Identity::kMixed) {
      // A proxy pool of forty exits, the same for the whole campaign.
      base::Random pool = shared.fork(100 + random_.below(40));
      network = address_of(pool);
    }
    networks.push_back(own_network ? network : address_in(network, random_));
  }
  clients.clear();
  const size_t programs = 1 + random_.below(2);
  for (size_t i = 0; i < programs; ++i) clients.push_back(client_of(g.client == Identity::kUnshared ? random_ : same));

  const bool program = g.kind == Class::kEvaluator || g.kind == Class::kPipeline || g.kind == Class::kLabelling;
  parameters.clear();
  if (program && random_.chance(0.7)) {
    parameters += ",\"temperature\":0";
  } else if (random_.chance(0.4)) {
    parameters += fmt::format(",\"temperature\":{}", random_.below(3) == 0   ? "0.2"
                                                     : random_.below(2) == 0 ? "0.7"
                                                                             : "1");
  }
  if (anthropic || random_.chance(0.5)) parameters += fmt::format(",\"max_tokens\":{}", 512u << random_.below(4));
  if (random_.chance(0.5)) parameters += ",\"stream\":true";
}

void Account::replace() {
  name = fresh_name(random_);
  base::Random shared = campaign_;
  choose_identity(shared);
}

bool Account::next(Request& request, bool in_slow_start) {
  request.turns.clear();
  request.answer.clear();
  request.user.clear();
  request.system = system_;
  request.continues = false;
  if (conversation_ != nullptr) {
    continue_conversation(request);
    return true;
  }
  if (agent_turns_ > 0) {
    agent(request);
    return true;
  }
  return start(request, in_slow_start);
}

bool Account::start(Request& request, bool in_slow_start) {
  const Group& g = *cast_->group;
  switch (g.kind) {
    case Class::kPeople:
    case Class::kReseller:
    case Class::kOffice:
      return start_person(request);
    case Class::kHarvest:
      if (!persons_.empty() && (in_slow_start || random_.chance(g.cover))) return start_person(request);
      return !in_slow_start && start_harvest(request);
    case Class::kCodingAgent:
      agent_turns_ = 4 + static_cast<uint32_t>(random_.below(30));
      history_.clear();
      agent(request);
      return true;
    case Class::kProductBot: {
      // Popular questions come again: a Zipf-like place in the intent's deck.
      const Deck& deck = decks_[random_.below(decks_.size())];
      const auto n = static_cast<double>(deck.cards()->size());
      const Conversation* c = deck.at(static_cast<uint64_t>(std::pow(n, random_.uniform())) - 1);
      request.turns.push_back({false, c->turns.back().text});
      request.user = fmt::format("u{}", random_.below(5000));
      request.answer_tokens = lognormal(45, 0.5, 400, random_);
      return true;
    }
    case Class::kPipeline:
    case Class::kLabelling: {
      for (size_t i = 0; i < decks_.size(); ++i) {
        Deck& deck = decks_[(run_ + i) % decks_.size()];
        const Conversation* c = deck.next();
        if (c == nullptr) continue;
        request.turns.push_back({false, instruction_ + c->turns.back().text});
        request.answer = c->response;
        request.answer_tokens =
            instruction_.empty() ? answer_tokens(c, true) : 1 + static_cast<uint32_t>(random_.below(4));
        if (random_.chance(0.02)) ++run_;  // mostly one template at a time
        return true;
      }
      return false;
    }
    case Class::kEvaluator: {
      size_t total = 0;
      for (const Deck& deck : decks_) total += deck.cards()->size();
      // A run is at most kRun questions; then the next model version is measured on the same.
      constexpr size_t kRun = 400;
      size_t place = run_++ % std::min(total, kRun);
      for (const Deck& deck : decks_) {
        if (place < deck.cards()->size()) {
          const Conversation* c = deck.at(place);
          request.turns.push_back({false, c->turns.back().text});
          request.answer = c->response;
          request.answer_tokens = answer_tokens(c, true);
          return true;
        }
        place -= deck.cards()->size();
      }
      return false;
    }
  }
  return false;
}

bool Account::start_person(Request& request) {
  Person& person = persons_[random_.below(persons_.size())];
  conversation_ = person.next(random_);
  if (conversation_ == nullptr) return false;
  turn_ = 0;
  continue_conversation(request);
  return true;
}

bool Account::start_harvest(Request& request) {
  // Member k of K takes every K-th card of the campaign's deck: shards are disjoint.
  const Conversation* c = harvest_.at(member_ + harvested_++ * campaign_size_);
  if (c == nullptr) return false;
  if (c->user_turns() > 1) {
    conversation_ = c;
    turn_ = 0;
    continue_conversation(request);
    return true;
  }
  std::string text = c->turns.back().text;
  const Group& g = *cast_->group;
  if (g.wrapping != Template::kNone) {
    base::Random which = campaign_;
    const size_t frame_of = g.wrapping == Template::kShared ? which.below(kFrames) : random_.below(kFrames);
    text = fmt::format(fmt::runtime(frame(frame_of)), text);
  }
  request.turns.push_back({false, std::move(text)});
  request.answer = c->response;
  request.answer_tokens = answer_tokens(c, true);
  return true;
}

void Account::continue_conversation(Request& request) {
  const Conversation& c = *conversation_;
  size_t end = turn_;
  while (end < c.turns.size() && c.turns[end].assistant) ++end;
  ++end;
  for (size_t i = 0; i < end && i < c.turns.size(); ++i) {
    if (i > 0 && !c.turns[i].assistant && !c.turns[i - 1].assistant)
      request.turns.push_back({true, filler(25, random_)});
    request.turns.push_back(c.turns[i]);
  }
  const bool last = end >= c.turns.size();
  if (!last && c.turns[end].assistant) request.answer = c.turns[end].text;
  if (last) request.answer = c.response;
  request.answer_tokens = answer_tokens(&c, last);
  request.continues = !last;
  request.gap_ms = 20'000 + random_.exponential(90'000);
  turn_ = end;
  if (last) conversation_ = nullptr;
}

uint32_t Account::answer_tokens(const Conversation* c, bool last) {
  const std::string& known = last ? c->response : c->turns[std::min(turn_ + 1, c->turns.size() - 1)].text;
  if (cast_->group->answer_length == AnswerLength::kSource && last && !known.empty()) {
    return std::max<uint32_t>(1, static_cast<uint32_t>(known.size() / 4));
  }
  return drawn(cast_->timing->chat_answer_tokens, 150, 0.9, random_);
}

void Account::agent(Request& request) {
  constexpr size_t kHistoryMax = 16;
  if (history_.empty() || random_.chance(0.3)) {
    history_.push_back({false, repository_.task(random_)});
  } else {
    history_.push_back(
        {false, "result of " + repository_.names[random_.below(24)] + ":\\n" + repository_.tool_result(random_)});
  }
  if (history_.size() > kHistoryMax) history_.erase(history_.begin(), history_.begin() + 2);
  request.turns = history_;
  request.answer_tokens = drawn(cast_->timing->code_answer_tokens, 60, 0.9, random_);
  request.answer = filler(std::min<uint32_t>(request.answer_tokens, 40), random_);
  history_.push_back({true, request.answer});
  --agent_turns_;
  request.continues = agent_turns_ > 0;
  request.gap_ms = 3'000 + random_.exponential(15'000);
}

}  // namespace stillwatch::population
