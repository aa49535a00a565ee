// A row of a harvested dataset: the prompt with the teacher's answer, and where it came from. It is a row to train on
// as it is (docs/lab.md has every key):
//
//   {"id":"...","messages":[..., {"role":"assistant","reasoning_content":"...","content":"..."}],
//    "logprobs":[["8",-0.1,[["8",-0.1],["9",-2.3]]], ...],
//    "teacher":{"model":"m","interface":"reasoning","parameters":{...},"endpoint":"...","answered_by":"m-2",
//               "response_id":"...","time":"2026-...","finish_reason":"stop","attempts":1,
//               "usage":{"prompt_tokens":1,"completion_tokens":2}}}
//
// Tokens of log-probabilities are text; one that is no UTF-8 is written as {"hex":"ff"}. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "distill/prompts.h"

namespace stillwatch::distill {

// What of an answer its buyer gets to see.
struct Interface {
  bool reasoning = false;
  bool logprobs = false;
  bool operator==(const Interface&) const = default;
};
// "answers", "reasoning", "logprobs", "reasoning+logprobs".
std::string name_of(Interface interface);
std::optional<Interface> interface_of(std::string_view name);

// How the teacher is asked; rows of one dataset agree in it.
struct Terms {
  std::string model{};
  Interface interface {};
  std::optional<double> temperature{};
  std::optional<double> top_p{};
  std::optional<int> max_tokens{};
  int top_logprobs = 20;  // where the interface has them
  // A JSON object without time or place, the same for the same terms.
  std::string to_json() const;
};

struct Provenance {
  std::string endpoint;  // without user, password and query
  base::Time time{};
};

// REQUIRES: the response has a choice. Ends in a newline.
std::string to_row(const Prompt& prompt, const std::string& id, const net::ChatResponse& response, const Terms& terms,
                   const Provenance& provenance);

// What an answer cost that is kept for looking at only.
std::string to_reject(const std::string& id, const net::ChatFailure& failure, base::Time time);

// What a harvest needs to know of a row that it wrote before.
struct RowFacts {
  std::string id;
  std::string terms;  // as Terms::to_json() of then
  int64_t prompt_tokens = 0, completion_tokens = 0;
};
// Nothing for a line that is no such row.
std::optional<RowFacts> read_row_facts(std::string_view line);

}  // namespace stillwatch::distill
