// Request and response bodies of the OpenAI (chat completions, completions, responses) and Anthropic (messages) APIs,
// told apart by their fields, into an Exchange. Unknown fields and odd types are ignored. Streams that a logger kept as
// an array of chunks or events are put together.
//
// Views point into the document or the arena. Thread rule: reentrant for different documents and arenas.
#pragma once

#include "dialect/arena.h"
#include "dialect/exchange.h"
#include "dialect/json.h"

namespace stillwatch::dialect {

// False if the element has no prompt in any known shape.
bool read_request(json::Element body, Arena& arena, Exchange& out);

// Leaves has_response false for anything that is not a response body. A body that is an error ({"error": ...}) sets
// nothing but, where out.status is below 400, status 400.
void read_response(json::Element body, Arena& arena, Exchange& out);

// One message of a conversation ({role, content, ...}) appended to the turns, or to the system prompt. Shared by the
// log formats that keep messages outside bodies.
void read_message(json::Element message, Arena& arena, Exchange& out);

// The text of a content value: a string, an array of parts, or an object with text.
struct Content {
  std::string_view text;
  std::string_view reasoning;
  uint32_t images = 0;
  uint32_t tool_calls = 0;
  uint32_t tool_results = 0;
  bool refused = false;
};
Content read_content(std::optional<json::Element> value, Arena& arena);

// Reported usage in any spelling ({prompt_tokens | input_tokens | ...}).
void read_usage(std::optional<json::Element> usage, Exchange& out);

// Sampling parameters found in an object of any API.
void read_sampling(json::Element object, Exchange& out);

}  // namespace stillwatch::dialect
