// Asks a model for a summary of another model's reasoning, to be shown in its place: what the request is, and what the
// answer says. Chat completions (OpenAI) and messages (Anthropic) read the same request.
//
// Thread rule: pure functions. Bounds: kSummaryBytesMax of the answer are taken.
#pragma once

#include <string>
#include <string_view>

namespace stillwatch::countermeasure {

constexpr size_t kSummaryBytesMax = 4096;

std::string summary_request(std::string_view model, std::string_view reasoning, unsigned tokens_max);

// The visible text of a whole answer, without what stands between <think> tags; "" if it says nothing.
std::string summary_in(std::string_view body);

}  // namespace stillwatch::countermeasure
