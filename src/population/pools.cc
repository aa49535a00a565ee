#include "population/pools.h"

#include <fmt/format.h>

#include "base/hash.h"

namespace stillwatch::population {

const Pool& Pools::get(const std::vector<std::string>& globs, uint32_t part, uint32_t part_of) {
  std::string key = fmt::format("{}/{}", part, part_of);
  for (const std::string& glob : globs) key += "|" + glob;
  std::unique_ptr<Pool>& slot = pools_[key];
  if (slot) return *slot;
  slot = std::make_unique<Pool>();
  double user_turns = 0;
  for (const Source* source : prompts_.matching(globs)) {
    std::vector<Cards> groups(source->groups);
    const size_t before = slot->all.size();
    for (const Conversation& c : source->conversations) {
      if (base::combine(c.part_hash, split_) % part_of != part) continue;
      slot->all.push_back(&c);
      slot->by_topic[c.topic].push_back(&c);
      groups[c.group].push_back(&c);
      user_turns += c.user_turns();
    }
    if (slot->all.size() == before) continue;
    slot->sources.push_back(source->name);
    for (Cards& cards : groups) {
      if (cards.empty()) continue;  // the part left it nothing
      slot->by_group.push_back(std::move(cards));
      slot->group_source.push_back(source->name);
    }
  }
  slot->user_turns = slot->all.empty() ? 0 : user_turns / static_cast<double>(slot->all.size());
  return *slot;
}

}  // namespace stillwatch::population
