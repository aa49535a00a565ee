// One simulated account: what it asks next. Everything random comes from its own stream, so that accounts do not depend
// on each other's order. No conversation comes twice in an account but where repetition is the nature of its class:
// popular questions of bots, reruns of evaluators.
//
// Bounds: a coding agent keeps kAgentTurnsMax turns, everybody else a few hundred bytes. Thread rule: one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "population/agent.h"
#include "population/caller.h"
#include "population/persons.h"
#include "population/pools.h"
#include "population/request.h"
#include "population/timing.h"

namespace stillwatch::population {

// What a group's accounts share.
struct Cast {
  const Group* group = nullptr;
  const Pool* pool = nullptr;   // of its sources
  const Pool* cover = nullptr;  // harvesters: of cover_sources, if they need any
  const Timing* timing = nullptr;
  double persistence = 0;
  std::string family;         // names of its sources
  double exchanges_each = 1;  // of a conversation, in the mean
  double cover_chance = 0;    // of a conversation being cover, so that `cover` of the exchanges are
};

class Account {
 public:
  // `member` counts accounts inside the campaign of `campaign_size`; `campaign` is the same stream for all of them.
  Account(const Cast& cast, uint32_t member, uint32_t campaign_size, base::Random random, base::Random campaign);

  // The next request, valid until the next call; false when the account has nothing left to ask. `in_slow_start` makes
  // a harvester ask like a person.
  bool next(Request& request, bool in_slow_start);

  Origin origin();
  const std::string& name() const { return name_; }
  base::Random& random() { return random_; }

  // Suspended: goes on under a new name, from new networks and clients unless the campaign shares them.
  void replace();

 private:
  bool start(Request& request, bool in_slow_start);
  bool start_conversation(const Conversation* conversation, Request& request);
  bool start_harvest(Request& request);
  bool ask_bot(Request& request);
  bool ask_batch(Request& request);
  bool ask_benchmark(Request& request);
  void continue_conversation(Request& request);
  void ask_once(const Conversation& conversation, std::string_view text, Request& request);
  void choose_decks();
  // A stream that all accounts of the campaign have alike.
  base::Random of_campaign(uint64_t label) const {
    base::Random copy = campaign_;
    return copy.fork(label);
  }
  uint32_t chat_tokens(std::string_view known);

  const Cast* cast_;
  uint32_t member_;
  uint32_t campaign_size_;
  base::Random random_;
  base::Random campaign_;
  std::string name_;
  Caller caller_;
  std::optional<Persons> persons_;
  Deck harvest_;
  uint64_t harvested_ = 0;
  std::vector<Deck> decks_;  // bots: intents; pipelines: templates; evaluators: tasks of a benchmark; labelling: one
  size_t run_ = 0;           // pipelines: the template in use; evaluators: questions asked so far
  std::string system_;
  std::string instruction_;  // of a labelling job
  std::unique_ptr<Agent> agent_;
  const Conversation* conversation_ = nullptr;  // under way
  size_t sent_turns_ = 0;                       // of it
  bool names_users_ = false;                    // bots, some resellers
  std::string user_;                            // the one who asks now
  // What the request's views point to where no prompt holds it.
  std::string text_;
  std::string answer_;
  std::string filler_;  // stands for answers inside a conversation that its source lacks
};

}  // namespace stillwatch::population
