// What a client of the OpenAI API asks for: bodies of POST /v1/chat/completions and /v1/completions, checked. What is
// not served here (tools, penalties, pictures) is refused by the name of its field instead of ignored.
//
// Bodies may be anything. Bounds: the constants below. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/chat.h"
#include "model/sampler.h"

namespace stillwatch::serving {

constexpr uint32_t kChoicesMax = 128;
constexpr uint32_t kTopLogprobsMax = 20;
constexpr size_t kStopsMax = 16;
constexpr size_t kStopBytesMax = 256;
constexpr size_t kBiasesMax = 1024;

struct Ask {
  bool chat = true;
  model::Conversation messages;      // chat
  std::vector<std::string> prompts;  // completions: one or more
  std::string model;
  uint32_t n = 1;
  std::optional<uint32_t> tokens_max;  // 0 where the prompt alone is to be told
  model::Sampling sampling;            // but for the seed
  std::optional<uint64_t> seed;
  std::vector<std::string> stop;
  bool logprobs = false;
  bool token_ids = false;  // tokens are named "token_id:N"
  bool echo = false;       // completions: the prompt stands before the answer, its log-probabilities too
  bool stream = false;
  bool stream_usage = false;

  size_t choices() const { return chat ? n : n * prompts.size(); }
};

// What is wrong, and with which field.
struct Refusal {
  std::string message;
  std::string field;
};
using AskResult = tl::expected<Ask, Refusal>;

AskResult parse_ask(std::string_view body, bool chat);

}  // namespace stillwatch::serving
