#include "countermeasure/drafts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "countermeasure/answer_body.h"

namespace stillwatch::countermeasure {
namespace {

using Node = JsonText::Node;

std::string_view why_not(const JsonText& json) {
  constexpr double kTokensMin = 32;
  const Node tools = json.at(0, "tools");
  if (json.kind(0) != JsonText::Kind::kObject || !there(json, json.at(0, "messages")))
    return "neither chat completions nor messages";
  if (json.first(tools) != JsonText::kNone || json.first(json.at(0, "functions")) != JsonText::kNone) return "tools";
  if (number_at(json, 0, "n").value_or(1) > 1) return "several choices";
  if (const Node format = json.at(0, "response_format"); there(json, format) && !json.is(format, "type", "text"))
    return "a response format";
  if (number_at(json, 0, "temperature").value_or(1) <= 0 || number_at(json, 0, "top_k").value_or(0) == 1)
    return "temperature 0";
  for (const std::string_view key : {"max_tokens", "max_completion_tokens"}) {
    if (number_at(json, 0, key).value_or(1e9) < kTokensMin) return "a short answer";
  }
  return {};
}

// One draft in a body.
struct Draft {
  size_t body = 0;
  Node choice = JsonText::kNone;  // of several in one body; kNone for the whole body
  std::string text;
};

}  // namespace

DraftPlan plan_drafts(std::string_view request, size_t n, bool takes_n) {
  DraftPlan plan;
  auto json = JsonText::parse(request);
  plan.why_not = json ? why_not(*json) : "no JSON";
  if (!plan.why_not.empty()) return plan;
  const Node stream = json->at(0, "stream");
  plan.streamed = stream != JsonText::kNone && json->raw(stream) == "true";
  const Node options = json->at(0, "stream_options");
  const Node include = json->at(options, "include_usage");
  plan.stream_usage = include != JsonText::kNone && json->raw(include) == "true";
  if (stream != JsonText::kNone) json->replace(stream, "false");
  if (options != JsonText::kNone) json->replace(options, "null");
  if (takes_n) {
    set_member(*json, "n", std::to_string(n));
    plan.requests.push_back(json->str());
    return plan;
  }
  const auto seed = number_at(*json, 0, "seed");
  for (size_t i = 0; i < n; ++i) {
    // With one seed all drafts would be the same.
    if (seed) json->replace(json->at(0, "seed"), fmt::format("{:.0f}", std::trunc(*seed) + static_cast<double>(i)));
    plan.requests.push_back(json->str());
  }
  return plan;
}

base::Result<GivenDraft> choose_draft(std::span<const std::string> bodies, const watermark::DraftSelector& selector,
                                      watermark::GivenWindows& given) {
  std::vector<JsonText> parsed;
  std::vector<Draft> drafts;
  uint64_t made = 0;
  for (const std::string& body : bodies) {
    auto json = JsonText::parse(body);
    if (!json) continue;
    const Node choices = json->at(0, "choices");
    const bool several = json->first(choices) != JsonText::kNone && json->next(json->first(choices)) != JsonText::kNone;
    const size_t before = drafts.size();
    if (several) {
      for (Node c = json->first(choices); c != JsonText::kNone; c = json->next(c))
        drafts.push_back({parsed.size(), c, text_of(*json, c)});
    } else if (json->first(choices) != JsonText::kNone || json->is(0, "type", "message")) {
      drafts.push_back({parsed.size(), JsonText::kNone, text_of(*json, JsonText::kNone)});
    }
    if (drafts.size() == before) continue;
    made += tokens_of(*json);
    parsed.push_back(std::move(*json));
  }
  if (drafts.size() > kDraftsMax) drafts.resize(kDraftsMax);
  if (drafts.empty()) return base::fail(base::ErrorCode::kInput, "the upstream gave no draft of an answer");
  std::vector<std::string_view> texts;
  size_t bytes = 0;
  for (const Draft& d : drafts) {
    texts.push_back(d.text);
    bytes += d.text.size();
  }
  GivenDraft out;
  out.selection = selector.select(texts, given);
  out.drafts = drafts.size();
  out.tokens_made = made;
  const Draft& chosen = drafts[out.selection.chosen];
  JsonText& json = parsed[chosen.body];
  out.tokens_given = tokens_of(json);
  if (chosen.choice != JsonText::kNone) {
    out.usage_estimated = true;
    const double share = bytes > 0 ? static_cast<double>(chosen.text.size()) / static_cast<double>(bytes) : 0;
    out.tokens_given = static_cast<uint64_t>(std::llround(share * static_cast<double>(out.tokens_given)));
    std::string choice(json.raw(chosen.choice));
    if (const Node index = json.at(chosen.choice, "index"); index != JsonText::kNone) {
      const auto at = static_cast<size_t>(json.raw(index).data() - json.raw(chosen.choice).data());
      choice.replace(at, json.raw(index).size(), "0");
    }
    json.replace(json.at(0, "choices"), "[" + choice + "]");
    set_usage(json, out.tokens_given);
  }
  out.body = json.str();
  return out;
}

}  // namespace stillwatch::countermeasure
