#include "countermeasure/sentences.h"

#include <algorithm>
#include <cmath>

#include "countermeasure/answer_body.h"
#include "countermeasure/answer_parts.h"

namespace stillwatch::countermeasure {
namespace {

using Node = JsonText::Node;

Node last_of(const JsonText& json, Node list) {
  Node last = JsonText::kNone;
  for (Node n = json.first(list); n != JsonText::kNone; n = json.next(n)) last = n;
  return last;
}

Node reason_of(const JsonText& json) {
  const Node choice = json.first(json.at(0, "choices"));
  return choice != JsonText::kNone ? json.at(choice, "finish_reason") : json.at(0, "stop_reason");
}

}  // namespace

Sentences::Sentences(std::string_view request, size_t n, AnswerKind kind)
    : kind_(kind), plan_(plan_drafts(request, n, false)) {
  if (!plan_.why_not.empty()) return;
  const auto json = JsonText::parse(request);
  const Node messages = json->at(0, "messages"), last = last_of(*json, messages);
  possible_ =
      json->kind(messages) == JsonText::Kind::kArray && last != JsonText::kNone && !json->is(last, "role", "assistant");
  limit_key_ = there(*json, json->at(0, "max_completion_tokens")) ? "max_completion_tokens" : "max_tokens";
  limit_ = number_at(*json, 0, limit_key_);
}

std::string Sentences::no_room() const {
  return kind_ == AnswerKind::kMessages ? "max_tokens" : "length";
}

double Sentences::tokens_left() const {
  return limit_ ? std::floor(*limit_ - tokens_) : kSentenceTokensMax;
}

std::vector<std::string> Sentences::requests() const {
  std::vector<std::string> out;
  for (const std::string& request : plan_.requests) {
    auto json = JsonText::parse(request);
    set_member(*json, limit_key_, std::to_string(std::lround(std::min(kSentenceTokensMax, tokens_left()))));
    if (!text_.empty()) {
      std::string messages(json->raw(json->at(0, "messages")));
      messages.pop_back();
      messages += R"(,{"role":"assistant","content":)" + json_string(text_) + "}]";
      json->replace(json->at(0, "messages"), std::move(messages));
      if (kind_ == AnswerKind::kChatCompletions) {
        set_member(*json, "continue_final_message", "true");
        set_member(*json, "add_generation_prompt", "false");
      }
    }
    out.push_back(json->str());
  }
  return out;
}

bool Sentences::add(std::span<const std::string> bodies, watermark::SentenceSelector& selector) {
  struct Draft {
    std::string_view body;
    std::string text, reason;
    double tokens = 0;
    bool finished = false;
  };
  std::vector<Draft> drafts;
  for (const std::string& body : bodies.first(std::min(bodies.size(), kDraftsMax))) {
    const auto json = JsonText::parse(body);
    if (!json || (json->first(json->at(0, "choices")) == JsonText::kNone && !json->is(0, "type", "message"))) continue;
    const AnswerParts parts = parts_of(*json);
    if (!parts.reasoning.empty() || !parts.opaque.empty() || (first_.empty() && parts.text.empty())) continue;
    Draft& draft = drafts.emplace_back();
    draft.body = body;
    draft.text = text_of(*json, JsonText::kNone);
    draft.reason = json->text(reason_of(*json));
    draft.tokens = static_cast<double>(tokens_of(*json));
    draft.finished = draft.reason != "length" && draft.reason != "max_tokens";
  }
  if (drafts.empty()) return false;
  std::vector<watermark::SentenceSelector::Draft> offered;
  offered.reserve(drafts.size());
  for (const Draft& draft : drafts) offered.push_back({draft.text, draft.finished});
  const std::string_view sentence = selector.add(offered);
  const watermark::Selection& selection = selector.selections().back();
  const Draft& chosen = drafts[selection.chosen];
  if (first_.empty()) first_ = chosen.body;
  text_ += sentence;
  const double share =
      static_cast<double>(sentence.size()) / static_cast<double>(std::max<size_t>(1, chosen.text.size()));
  tokens_ += share * chosen.tokens;
  given_.drafts += drafts.size();
  for (const Draft& draft : drafts) given_.tokens_made += static_cast<uint64_t>(draft.tokens);
  given_.selection.scores.push_back(selection.scores[selection.chosen]);
  given_.selection.sketch.add(selection.sketch);
  if (selector.finished() && chosen.finished) {
    reason_ = chosen.reason.empty() ? "stop" : chosen.reason;
  } else if (selector.finished() || ++sentences_ == kSentencesMax || tokens_left() < 1) {
    reason_ = no_room();
  }
  return true;
}

GivenDraft Sentences::given() const {
  GivenDraft out = given_;
  out.tokens_given = static_cast<uint64_t>(std::llround(tokens_));
  out.usage_estimated = true;
  auto json = JsonText::parse(first_);
  bool told = false;
  for (const Node n : parts_of(*json).text) {
    json->replace_text(n, told ? std::string_view() : text_);
    told = true;
  }
  if (const Node n = reason_of(*json); n != JsonText::kNone)
    json->replace(n, json_string(finished() ? reason_ : no_room()));
  set_usage(*json, out.tokens_given);
  out.body = json->str();
  return out;
}

}  // namespace stillwatch::countermeasure
