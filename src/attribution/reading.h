// The open model: what a suspect would say next, at every place of a text that it is made to read (Sander et al. 2024,
// "reading mode"). Every place gives windows, its context read and a next unit the suspect's, so that a short text
// tells what would take long answers; open_model.h tests them.
//
// What an endpoint must offer is one of: POST /v1/completions with `echo` and `logprobs` of at least 1, which gives
// `tokens` and `top_logprobs` of the prompt itself; or any completion of a single next word at temperature 0, given as
// a line {"context": TEXT, "next": TEXT} or, for tokens, {"context": [ids], "next": id}. For marks of tokens the tokens
// of completions must be named by id, "token_id:N". Whose a line is, its member `by` says: "suspect" (also where it has
// none), "reference", or "clean:NAME".
//
// What models say of themselves is hostile: probabilities are held to 1, alternatives to kTopsMax. Thread rule: pure
// functions. Bounds: lines as of a JSON line; what is kept is in proportion to the text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "watermark/evidence.h"

namespace stillwatch::attribution {

constexpr size_t kTopsMax = 20;  // likeliest units of a place that are kept

// A place of a text that a model read, and what it held probable there. Of words, only where one begins.
struct Place {
  std::vector<watermark::Unit> before;                   // as many as a context has, or more; fewer at a text's start
  std::vector<std::pair<watermark::Unit, double>> next;  // with their probabilities, likeliest first
  // next.front() is what it would say here, and the context did not come earlier in the text, so that it cannot have
  // copied what followed.
  bool said = true;
};

struct ReadBy {
  std::string name;
  std::vector<Place> places;
};

// What models expect in the same texts.
struct Readings {
  std::vector<Place> suspect, reference;
  std::vector<ReadBy> clean;
  // Left out: texts that repeat marked answers selected among drafts. The selection looked ahead, so a model that
  // merely foretells well would look marked.
  uint64_t quoting = 0;
};

// Adds all lines of a file, completions' bodies or choices, as the mark has units. Completions whose tokens are named
// in the other way are left out; an error if nothing else is there. Errors name the line.
base::Result<void> read_readings(std::string_view text, std::string_view name, const watermark::MarkEvidence& mark,
                                 Readings& into);

}  // namespace stillwatch::attribution
