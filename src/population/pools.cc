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
  for (const Source* source : prompts_.matching(globs)) {
    const size_t first_group = slot->by_group.size();
    slot->by_group.resize(first_group + source->groups);
    slot->group_source.resize(first_group + source->groups, source->name);
    for (const Conversation& c : source->conversations) {
      if (base::combine(c.id_hash, split_) % part_of != part) continue;
      slot->all.push_back(&c);
      slot->by_topic[c.topic].push_back(&c);
      slot->by_group[first_group + c.group].push_back(&c);
    }
  }
  // Groups that the part left empty are nobody's template.
  for (size_t i = slot->by_group.size(); i-- > 0;) {
    if (!slot->by_group[i].empty()) continue;
    slot->by_group.erase(slot->by_group.begin() + static_cast<std::ptrdiff_t>(i));
    slot->group_source.erase(slot->group_source.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return *slot;
}

}  // namespace stillwatch::population
