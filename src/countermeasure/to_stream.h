// A whole answer as the events of a stream, for a client that asked for one and gets an answer that had to be whole
// first: the text in pieces of a few words. Chat completions and messages; an answer in no known shape is one event.
// Thread rule: a pure function.
#pragma once

#include <string>
#include <string_view>

namespace stillwatch::countermeasure {

// `usage`: chat completions end with a chunk of usage (`stream_options.include_usage`).
std::string to_stream(std::string_view body, bool usage);

}  // namespace stillwatch::countermeasure
