// What to ask a teacher: one JSON object a line, with `messages` (as in a dataset: an assistant's turns at the end are
// left out, so that a file of questions with solutions serves as well), or `prompt`, the user's text alone. `id` names
// the row; without it the row is named by a hash of its messages. Other keys are ignored.
//
// Invariants: ids are different; a prompt has at least one message and its last is the user's. Thread rule: values.
// Bounds: base::kLineBytesMax a line, base::kTurnsMax messages, base::kIdentityBytesMax an id.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/chat_client.h"

namespace stillwatch::distill {

struct Prompt {
  std::string id;
  std::vector<net::ChatMessage> messages;
};

// Errors name the line (1-based) as `name:line`. Blank lines are skipped, and so is a prompt that came before.
base::Result<std::vector<Prompt>> read_prompts(std::string_view text, std::string_view name);

}  // namespace stillwatch::distill
