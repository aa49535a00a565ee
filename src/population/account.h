// One simulated account: what it asks next. Everything random comes from its own stream, so that accounts do not depend
// on each other's order.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "population/cast.h"
#include "population/pools.h"
#include "population/simulation.h"

namespace stillwatch::population {

// A request about to be written. Texts are JSON-escaped.
struct Request {
  std::string system;
  std::vector<Spoken> turns;
  std::string answer;  // escaped; empty: filler is made
  uint32_t answer_tokens = 0;
  std::string user;
  double gap_ms = 0;       // before the next request, if it belongs to the same conversation
  bool continues = false;  // the next request continues this conversation
};

// What a group's accounts share.
struct Cast {
  const Group* group = nullptr;
  const Pool* pool = nullptr;   // of its sources
  const Pool* cover = nullptr;  // harvesters: of cover_sources
  const Timing* timing = nullptr;
  double persistence = 0.6;
};

// A person who writes: a main topic and the rest of the crowd's.
class Person {
 public:
  Person(const Pool& pool, double persistence, base::Random& random);
  const Conversation* next(base::Random& random);

 private:
  Deck& deck(uint16_t topic, base::Random& random);
  const Pool* pool_;
  double persistence_;
  uint16_t main_ = 0;
  std::vector<std::pair<uint16_t, Deck>> decks_;
};

class Account {
 public:
  // `member` counts accounts inside the campaign of `campaign_size`; `shared` is the campaign's own stream.
  Account(const Cast& cast, uint32_t member, uint32_t campaign_size, base::Random random, base::Random shared);

  // The next request; false when the account has nothing left to ask. `in_slow_start` makes a harvester ask like a
  // person.
  bool next(Request& request, bool in_slow_start);

  // The account's own sampling parameters and identity, as JSON fields and texts.
  std::string parameters;
  bool anthropic = false;
  std::vector<std::string> networks;
  std::vector<std::string> clients;

  base::Random& random() { return random_; }
  // A new name and, unless shared, new networks: the account was replaced.
  void replace();
  std::string name;

 private:
  bool start(Request& request, bool in_slow_start);
  bool start_harvest(Request& request);
  bool start_person(Request& request);
  void continue_conversation(Request& request);
  void choose_identity(base::Random& shared);
  uint32_t answer_tokens(const Conversation* c, bool last);
  void agent(Request& request);

  const Cast* cast_;
  uint32_t member_;
  uint32_t campaign_size_;
  base::Random random_;
  base::Random campaign_;  // frames and networks of the campaign
  std::vector<Person> persons_;
  Deck harvest_;
  uint64_t harvested_ = 0;
  std::vector<Deck> decks_;  // pipelines: templates; others: one
  size_t run_ = 0;           // evaluators: place in the benchmark
  std::string system_;
  std::string instruction_;
  Repository repository_;
  // The conversation under way.
  const Conversation* conversation_ = nullptr;
  size_t turn_ = 0;              // turns already sent
  std::vector<Spoken> history_;  // agents
  uint32_t agent_turns_ = 0;
};

}  // namespace stillwatch::population
