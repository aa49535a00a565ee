// One request to a language model with its response, whatever API or log format it came in.
//
// All text is UTF-8 views (invalid bytes are possible and must be tolerated) into storage owned by the parser that
// filled the Exchange; they stay valid until that parser's next call. Missing text is empty; missing numbers are
// nullopt. Nothing here is trusted: lengths and counts are what the log said.
//
// Thread rule: a value; share it only while nobody parses.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace stillwatch::dialect {

enum class Role : uint8_t { kSystem, kUser, kAssistant, kTool };

// One turn of the conversation as it was sent. `text` is the concatenation (with '\n') of all text parts; a tool result
// is a kTool turn; the arguments of tool calls made by the assistant are appended to its text.
struct Turn {
  Role role = Role::kUser;
  std::string_view text;
  uint32_t images = 0;      // image, audio or file parts
  uint32_t tool_calls = 0;  // tool calls made in this (assistant) turn
};

// What the client asked of the sampler. Only what it said, never a default.
struct Sampling {
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<int64_t> top_k;
  std::optional<int64_t> max_tokens;  // max_tokens, max_completion_tokens, max_output_tokens
  std::optional<int64_t> choices;     // n
  std::optional<int64_t> seed;
  std::optional<int64_t> top_logprobs;
  bool logprobs = false;
  bool stream = false;
  bool json = false;       // a response format other than text
  bool reasoning = false;  // reasoning effort, thinking budget or a reasoning include was asked for
  uint32_t stops = 0;      // stop sequences
  uint32_t tools = 0;      // tools offered
};

// How much of an exchange is here: of a batch, requests and their answers pass at different times.
enum class Part : uint8_t { kWhole, kRequest, kAnswer };

struct Exchange {
  base::Time time{};
  std::string_view account;       // who is billed; empty if the record names nobody
  std::string_view network;       // client address as text, "" if unknown
  std::string_view client;        // user agent or client library, "" if unknown
  std::string_view organization;  // "" if unknown
  std::string_view user;          // end user named by the account's request (OpenAI `user`, Anthropic metadata.user_id)
  std::string_view model;
  std::string_view request_id;  // for joins; "" if unknown
  int status = 200;
  Part part = Part::kWhole;

  std::string_view system;  // system and developer messages, Anthropic `system`, Responses `instructions`
  std::vector<Turn> turns;  // everything else, in order, resent history included
  Sampling sampling;

  std::string_view continues;  // id of the answer that the request goes on from, held by the server; "" for none

  bool has_response = false;   // false: the response was null or missing
  std::string_view answer;     // visible text of the first choice; its tool call arguments if it has no text
  std::string_view reasoning;  // reasoning_content, thinking blocks, reasoning summaries
  uint32_t answer_tool_calls = 0;
  std::string_view answer_id;            // what a later request may call it by; "" if unknown
  bool refused = false;                  // finish reason or a refusal field says so
  bool truncated = false;                // finish reason length / max_tokens
  std::optional<int64_t> prompt_tokens;  // as reported by the server
  std::optional<int64_t> output_tokens;  // as reported, reasoning included

  void clear() {
    std::vector<Turn> keep = std::move(turns);
    keep.clear();
    *this = Exchange{};
    turns = std::move(keep);
  }
};

}  // namespace stillwatch::dialect
