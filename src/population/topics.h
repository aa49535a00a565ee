// Topics of conversations: spherical k-means (Dhillon and Modha 2001) over the hashed, idf-weighted words of the first
// user turn. Deterministic. Only for simulating persistent people; detection has its own map.
#pragma once

#include "population/prompts.h"

namespace stillwatch::population {

// Fills Conversation::topic, in [0, kTopics).
void assign_topics(std::vector<Source>& sources);

}  // namespace stillwatch::population
