// What is said to a client of the OpenAI API: whole answers, pieces of streams, errors, as JSON. Pure functions of what
// was generated; engine.h decides when.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/generator.h"
#include "model/tokenizer.h"
#include "serving/ask.h"

namespace stillwatch::serving {

struct Token {
  model::Choice choice;
  size_t offset = 0;     // bytes of the text before it
  bool foretold = true;  // false for the first that a model read: it has no log-probability
};

// A piece of one choice, or all of it.
struct Piece {
  uint32_t index = 0;
  std::string content, reasoning;
  std::vector<Token> content_tokens, reasoning_tokens;  // where log-probabilities are asked for
  std::string finish_reason;                            // "" while it goes on
  bool first = false;                                   // of a stream
};

struct Usage {
  size_t prompt_tokens = 0;
  size_t completion_tokens = 0;
  size_t reasoning_tokens = 0;
};

// What all bodies of one answer share.
struct Header {
  bool chat = true;
  bool logprobs = false;
  bool token_ids = false;
  std::string id;
  int64_t created = 0;  // seconds since 1970
  std::string model;
};

std::string whole_json(const Header& header, const std::vector<Piece>& choices, const Usage& usage,
                       const model::Tokenizer& tokenizer);
// Server-sent events, each with its blank line.
std::string piece_event(const Header& header, const Piece& piece, const model::Tokenizer& tokenizer);
std::string usage_event(const Header& header, const Usage& usage);
inline constexpr std::string_view kDoneEvent = "data: [DONE]\n\n";

std::string error_json(std::string_view message, std::string_view field, std::string_view type);

}  // namespace stillwatch::serving
