// Marks the answers of an account by giving it the best of several drafts: the effect of the `mark` rung, without the
// sockets. (How drafts are scored: watermark/select.h.)
//
//   plan = plan_drafts(request, n, takes_n)     // before anything is sent upstream
//   if (!plan.why_not.empty()) relay as ever;   // and count why
//   bodies = ...the upstream's answers to all of plan.requests, whole, those that failed left out...
//   given = choose_draft(bodies, selector, windows of the account)
//   append given->evidence's line; send given->body, or to_stream(given->body, plan.stream_usage) if
//                                              // plan.streamed (to_stream.h)
//
// What is given is byte for byte an answer of the model server (its other choices cut out), with the usage of that
// answer alone: the drafts are the operator's cost, in `tokens_made`. Where the server makes all drafts in one call it
// tells only their sum; then each draft is taken to have its share by bytes, and `usage_estimated` says so.
//
// Chat completions (OpenAI) and messages (Anthropic). Not marked, because a mark would change what the client relies on
// or carry nothing: requests with tools, with several choices, for JSON, at temperature 0, of fewer than 32 tokens.
// Thread rule: pure functions, but for the account's windows. Bounds: kDraftsMax drafts.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "watermark/select.h"

namespace stillwatch::countermeasure {

constexpr size_t kDraftsMax = 16;

struct DraftPlan {
  std::string_view why_not;           // a literal; empty if it can be marked
  std::vector<std::string> requests;  // for the upstream, none of them streaming
  bool streamed = false;              // the client asked for a stream
  bool stream_usage = false;          // and for usage at its end (chat completions)
};

// `takes_n`: the upstream makes n drafts in one call (`n` of chat completions). REQUIRES: 2 <= n <= kDraftsMax.
DraftPlan plan_drafts(std::string_view request, size_t n, bool takes_n);

struct GivenDraft {
  std::string body;
  watermark::Selection selection;
  size_t drafts = 0;
  uint64_t tokens_made = 0;   // output tokens of all drafts, as told
  uint64_t tokens_given = 0;  // of the one that is given
  bool usage_estimated = false;
};

// Fails if none of the bodies is an answer; the caller relays one of them as it is, then.
base::Result<GivenDraft> choose_draft(std::span<const std::string> bodies, const watermark::DraftSelector& selector,
                                      watermark::GivenWindows& given);

}  // namespace stillwatch::countermeasure
