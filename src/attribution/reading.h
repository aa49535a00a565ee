// The open model: what the suspect would say next, at every place of a text that it is made to read (Sander et al.
// 2024, "reading mode"). Every place gives a window, its context read and its next unit the suspect's, so that a short
// text tells what would take long answers.
//
// What the endpoint must offer is one of: POST /v1/completions with `echo` and `logprobs` of at least 1, which gives
// `tokens` and `top_logprobs` of the prompt itself; or any completion of a single next word at temperature 0, given as
// a line {"context": TEXT, "next": TEXT}. For marks of tokens the tokens must be named by id, "token_id:N".
//
// Null: what the suspect expects does not depend on the key, given what it read. So a text to be read must not depend
// on it either, or be marked token by token: there a context's colour is not used before what follows is foretold.
// Texts marked by selecting drafts must NOT be read, the selection looked ahead: read new answers to the same prompts
// instead. A context that came before in the same text is left out, the suspect could have copied what followed.
//
// Thread rule: pure functions. Bounds: as of a JSON line.
#pragma once

#include <string_view>

#include "base/error.h"
#include "watermark/evidence.h"
#include "watermark/windows.h"

namespace stillwatch::attribution {

// Adds the windows of one answer of /v1/completions; how many places it told of.
base::Result<size_t> add_reading(std::string_view body, watermark::Units units, watermark::Windows& windows);

// Adds the window of {"context": ..., "next": ...}, or, for tokens, {"context": [ids], "next": id}: 1, or 0 if the
// context is too short.
base::Result<size_t> add_choice(std::string_view line, watermark::Units units, watermark::Windows& windows);

// All lines of a file: completions' bodies, or choices. Errors name the line.
base::Result<size_t> add_readings(std::string_view text, std::string_view name, watermark::Units units,
                                  watermark::Windows& windows);

}  // namespace stillwatch::attribution
