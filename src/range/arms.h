// The arms of the ladder's trials: what a student gets, and what it makes of it.
#pragma once

#include <string_view>

#include "range/serving.h"

namespace stillwatch::range {

// How much of an answer is given.
enum class Given : uint8_t { kAll, kText, kAnswer, kNothing };  // kAll: with log-probabilities
// What the student does to its data.
enum class Conduct : uint8_t { kPassive, kRewords, kFilters, kMixes };

struct Arm {
  std::string_view name, description;
  Serving serving = Serving::kPlain;
  Given before = Given::kText, after = Given::kText;  // the flag
  Conduct conduct = Conduct::kPassive;
  bool ends = false;     // refused after so many exchanges, whatever `after` gives
  bool several = false;  // accounts, each with a flag of its own
  bool core = false;     // in every seed
};

inline constexpr Arm kArms[] = {
    {.name = "none",
     .description = "reasoning, answers and log-probabilities",
     .before = Given::kAll,
     .after = Given::kAll,
     .core = true},
    {.name = "logprobs-stripped", .description = "reasoning and answers", .core = true},
    {.name = "reasoning-withheld",
     .description = "answers alone",
     .before = Given::kAnswer,
     .after = Given::kAnswer,
     .core = true},
    {.name = "policy",
     .description = "the policy whole: answers alone behind the flag, nothing after the exchanges it allows",
     .before = Given::kAll,
     .after = Given::kAnswer,
     .ends = true,
     .core = true},
    {.name = "untaught",
     .description = "nothing: the base itself",
     .before = Given::kNothing,
     .after = Given::kNothing,
     .core = true},
    {.name = "refused", .description = "nothing behind the flag", .before = Given::kAll, .after = Given::kNothing},
    {.name = "refused-accounts",
     .description = "the same, asked through several accounts",
     .before = Given::kAll,
     .after = Given::kNothing,
     .several = true},
    {.name = "antidistillation",
     .description = "drawn so that learning from them hurts",
     .serving = Serving::kAntidistillation},
    {.name = "antidistillation-filtered",
     .description = "of these, the right ones alone",
     .serving = Serving::kAntidistillation,
     .conduct = Conduct::kFilters},
    {.name = "green", .description = "marked by adding to green tokens' logits", .serving = Serving::kGreen},
    {.name = "gumbel", .description = "marked by Gumbel noise of the key", .serving = Serving::kGumbel},
    {.name = "tournament", .description = "marked by a tournament of tokens", .serving = Serving::kTournament},
    {.name = "drafts", .description = "marked by selecting among drafts", .serving = Serving::kDrafts},
    {.name = "green-reworded",
     .description = "green, learnt from reworded",
     .serving = Serving::kGreen,
     .conduct = Conduct::kRewords},
    {.name = "green-filtered",
     .description = "green, the right ones alone",
     .serving = Serving::kGreen,
     .conduct = Conduct::kFilters},
    {.name = "green-mixed",
     .description = "green, half of the data are the generator's own solutions",
     .serving = Serving::kGreen,
     .conduct = Conduct::kMixes},
};

}  // namespace stillwatch::range
