#include "population/account.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "population/wording.h"

namespace stillwatch::population {
namespace {

constexpr double kThinkingMs = 20'000;  // a person reads and writes at least so long
constexpr double kPauseMs = 90'000;     // and then some, in the mean

// How many of `cards`, in an order of the caller's own.
std::vector<const Cards*> some_of(const std::vector<Cards>& groups, size_t count, base::Random& random) {
  std::vector<const Cards*> all;
  all.reserve(groups.size());
  for (const Cards& cards : groups) all.push_back(&cards);
  random.shuffle(std::span(all));
  all.resize(std::min(count, all.size()));
  return all;
}

}  // namespace

Account::Account(const Cast& cast, uint32_t member, uint32_t campaign_size, base::Random random, base::Random campaign)
    : cast_(&cast),
      member_(member),
      campaign_size_(campaign_size),
      random_(random),
      campaign_(campaign),
      name_(fresh_account(random_)),
      caller_(*cast.group, random_, campaign) {
  choose_decks();
}

void Account::choose_decks() {
  const Group& g = *cast_->group;
  const Pool& pool = *cast_->pool;
  switch (g.kind) {
    case Class::kPeople:
      persons_.emplace(pool, 1, cast_->persistence, random_);
      break;
    case Class::kOffice:
      persons_.emplace(pool, g.persons, cast_->persistence, random_);
      break;
    case Class::kReseller:
      persons_.emplace(pool, 1, 0, random_);
      names_users_ = random_.chance(0.5);
      break;
    case Class::kHarvest: {
      base::Random order = of_campaign(3);
      harvest_ = Deck(pool.all, order);
      if (cast_->cover != nullptr) persons_.emplace(*cast_->cover, 1, cast_->persistence, random_);
      break;
    }
    case Class::kProductBot:
      // A bot knows a handful of intents.
      for (const Cards* cards : some_of(pool.by_group, 3 + random_.below(12), random_))
        decks_.emplace_back(*cards, random_);
      system_ = bot_system_prompt(random_);
      names_users_ = true;
      break;
    case Class::kPipeline:
      for (const Cards* cards : some_of(pool.by_group, g.templates, random_)) decks_.emplace_back(*cards, random_);
      break;
    case Class::kLabelling:
      instruction_ = labelling_instruction(random_);
      decks_.emplace_back(pool.all, random_);
      break;
    case Class::kEvaluator: {
      // All tasks of one benchmark.
      const std::string& source = pool.sources[random_.below(pool.sources.size())];
      for (size_t i = 0; i < pool.by_group.size(); ++i) {
        if (pool.group_source[i] == source) decks_.emplace_back(pool.by_group[i], random_);
      }
      break;
    }
    case Class::kCodingAgent:
      agent_ = std::make_unique<Agent>(random_);
      break;
  }
}

Origin Account::origin() {
  const Caller& c = caller_;
  return {name_, c.networks[random_.below(c.networks.size())], c.clients[random_.below(c.clients.size())], c.parameters,
          c.anthropic};
}

void Account::replace() {
  name_ = fresh_account(random_);
  caller_ = Caller(*cast_->group, random_, campaign_);
}

bool Account::next(Request& request, bool in_slow_start) {
  request.clear();
  request.system = system_;
  if (conversation_ != nullptr) {
    continue_conversation(request);
  } else {
    constexpr uint64_t kBotUsers = 5000;
    const uint64_t users = cast_->group->kind == Class::kProductBot ? kBotUsers : cast_->group->persons;
    if (names_users_) user_ = fmt::format("u{}", random_.below(users));
    if (!start(request, in_slow_start)) return false;
  }
  request.user = user_;
  if (request.answer.text.empty()) {
    constexpr uint32_t kFillerWordsMax = 60;
    answer_ = filler(std::min(request.answer_tokens, kFillerWordsMax), random_);
    request.answer.text = answer_;
  }
  return true;
}

bool Account::start(Request& request, bool in_slow_start) {
  switch (cast_->group->kind) {
    case Class::kPeople:
    case Class::kOffice:
    case Class::kReseller:
      return start_conversation(persons_->next(random_), request);
    case Class::kHarvest:
      if (in_slow_start || (persons_ && random_.chance(cast_->cover_chance))) {
        return start_conversation(persons_->next(random_), request);
      }
      return start_harvest(request);
    case Class::kCodingAgent:
      agent_->next(*cast_->timing, random_, request);
      return true;
    case Class::kProductBot:
      return ask_bot(request);
    case Class::kPipeline:
    case Class::kLabelling:
      return ask_batch(request);
    case Class::kEvaluator:
      return ask_benchmark(request);
  }
  return false;
}

bool Account::start_conversation(const Conversation* conversation, Request& request) {
  if (conversation == nullptr) return false;
  conversation_ = conversation;
  sent_turns_ = 0;
  continue_conversation(request);
  return true;
}

// Member k of K takes every K-th card of the campaign's deck: shards are disjoint.
bool Account::start_harvest(Request& request) {
  const Conversation* c = harvest_.at(member_ + harvested_++ * campaign_size_);
  if (c == nullptr) return false;
  const Template wrapping = cast_->group->wrapping;
  if (c->user_turns() > 1) return start_conversation(c, request);
  if (wrapping == Template::kNone) {
    ask_once(*c, c->turns.back().text, request);
    return true;
  }
  base::Random same = of_campaign(4);
  const size_t which = (wrapping == Template::kShared ? same : random_).below(kFrames);
  text_ = fmt::format(fmt::runtime(frame(which)), c->turns.back().text);
  ask_once(*c, text_, request);
  return true;
}

// Popular questions come again: places in the intent's deck fall off as 1 / place.
bool Account::ask_bot(Request& request) {
  const Deck& deck = decks_[random_.below(decks_.size())];
  const auto n = static_cast<double>(deck.cards()->size());
  const Conversation* c = deck.at(static_cast<uint64_t>(std::pow(n, random_.uniform())) - 1);
  request.turns.push_back({Speaker::kUser, c->turns.back().text});
  request.answer_tokens = lognormal_tokens(45, 0.5, 400, random_);
  return true;
}

bool Account::ask_batch(Request& request) {
  constexpr double kChange = 0.02;  // one template runs for a while, then the next
  for (size_t i = 0; i < decks_.size(); ++i) {
    const Conversation* c = decks_[(run_ + i) % decks_.size()].next();
    if (c == nullptr) continue;
    if (instruction_.empty()) {
      ask_once(*c, c->turns.back().text, request);
    } else {
      text_ = instruction_ + c->turns.back().text;
      request.turns.push_back({Speaker::kUser, text_});
      request.answer_tokens = 1 + static_cast<uint32_t>(random_.below(4));
    }
    if (random_.chance(kChange)) ++run_;
    return true;
  }
  return false;
}

// A run is at most kRun questions of the benchmark, the same in every run: each measures another version of a model.
bool Account::ask_benchmark(Request& request) {
  constexpr size_t kRun = 400;
  size_t total = 0;
  for (const Deck& deck : decks_) total += deck.cards()->size();
  size_t place = run_++ % std::min(total, kRun);
  for (const Deck& deck : decks_) {
    if (place < deck.cards()->size()) {
      const Conversation* c = deck.at(place);
      ask_once(*c, c->turns.back().text, request);
      return true;
    }
    place -= deck.cards()->size();
  }
  return false;
}

void Account::ask_once(const Conversation& conversation, std::string_view text, Request& request) {
  request.turns.push_back({Speaker::kUser, text});
  request.answer.text = conversation.response;
  request.answer_tokens = chat_tokens(conversation.response);
}

// Sends what was said so far and the next words of the person; the log's own answers stand between where it has them.
void Account::continue_conversation(Request& request) {
  const std::vector<Spoken>& turns = conversation_->turns;
  size_t end = sent_turns_;
  while (turns[end].assistant) ++end;
  ++end;
  if (filler_.empty()) filler_ = filler(25, random_);
  for (size_t i = 0; i < end; ++i) {
    if (i > 0 && !turns[i].assistant && !turns[i - 1].assistant)
      request.turns.push_back({Speaker::kAssistant, filler_});
    request.turns.push_back({turns[i].assistant ? Speaker::kAssistant : Speaker::kUser, turns[i].text});
  }
  const bool last = end == turns.size();
  if (last) {
    request.answer.text = conversation_->response;
  } else {
    request.answer.text = turns[end].assistant ? std::string_view(turns[end].text) : filler_;
  }
  request.answer_tokens = chat_tokens(last || turns[end].assistant ? request.answer.text : std::string_view());
  request.continues = !last;
  request.gap_ms = kThinkingMs + random_.exponential(kPauseMs);
  sent_turns_ = end;
  if (last) conversation_ = nullptr;
}

uint32_t Account::chat_tokens(std::string_view known) {
  constexpr size_t kBytesPerToken = 4;
  if (cast_->group->answer_length == AnswerLength::kSource && !known.empty()) {
    return std::max<uint32_t>(1, static_cast<uint32_t>(known.size() / kBytesPerToken));
  }
  return cast_->timing->chat(random_);
}

}  // namespace stillwatch::population
