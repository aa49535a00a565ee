#include "countermeasure/sentence_drafts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "countermeasure/answer_body.h"

namespace stillwatch::countermeasure {

using Node = JsonText::Node;

namespace {

constexpr int kSentenceTokens = 120;  // of a draft; a longer sentence is taken in two

}  // namespace

std::vector<std::string> SentenceDrafts::requests() const {
  const DraftPlan plan = plan_drafts(request_, n_, false);
  std::vector<std::string> out;
  for (const std::string& request : plan.requests) {
    auto json = JsonText::parse(request);
    const auto set = [&](std::string_view key, std::string value) {
      if (const Node n = json->at(0, key); n != JsonText::kNone) {
        json->replace(n, std::move(value));
      } else {
        json->add(0, key, value);
      }
    };
    if (const Node n = json->at(0, "max_completion_tokens"); n != JsonText::kNone) json->replace(n, "null");
    set("max_tokens", std::to_string(kSentenceTokens));
    if (!selector_.text().empty()) {
      const Node messages = json->at(0, "messages");
      std::string list(json->raw(messages));
      list.pop_back();
      list += fmt::format("{}{{\"role\":\"assistant\",\"content\":{}}}]",
                          json->first(messages) != JsonText::kNone ? "," : "", json_string(selector_.text()));
      json->replace(messages, std::move(list));
      set("continue_final_message", "true");
      set("add_generation_prompt", "false");
    }
    out.push_back(json->str());
  }
  return out;
}

base::Result<void> SentenceDrafts::take(std::span<const std::string> bodies) {
  struct Said {
    std::string text;
    bool finished;
    size_t body;
    uint64_t tokens;
  };
  std::vector<Said> said;
  for (size_t i = 0; i < bodies.size(); ++i) {
    const auto json = JsonText::parse(bodies[i]);
    if (!json) continue;
    const Node choice = json->first(json->at(0, "choices"));
    if (choice == JsonText::kNone) continue;
    said.push_back({text_of(*json, choice), json->is(choice, "finish_reason", "stop"), i, tokens_of(*json)});
  }
  if (said.empty()) return base::fail(base::ErrorCode::kInput, "the upstream gave no draft of a sentence");
  std::vector<watermark::SentenceSelector::Draft> drafts;
  for (const Said& s : said) {
    drafts.push_back({s.text, s.finished});
    made_ += s.tokens;
  }
  added_ = selector_.add(drafts);
  const Said& chosen = said[selector_.selections().back().chosen];
  body_ = bodies[chosen.body];
  if (!chosen.text.empty()) {
    given_ += static_cast<double>(chosen.tokens) * static_cast<double>(added_.size()) /
              static_cast<double>(chosen.text.size());
  }
  finished_ = selector_.finished() || selector_.selections().size() >= kSentencesMax;
  return {};
}

GivenDraft SentenceDrafts::result() const {
  GivenDraft out;
  auto json = JsonText::parse(body_);
  const Node choice = json->first(json->at(0, "choices"));
  out.drafts = n_;
  out.tokens_made = made_;
  out.tokens_given = static_cast<uint64_t>(std::llround(given_));
  out.usage_estimated = true;
  json->replace_text(json->at(json->at(choice, "message"), "content"), selector_.text());
  if (const Node finish = json->at(choice, "finish_reason"); finish != JsonText::kNone)
    json->replace(finish, selector_.finished() ? "\"stop\"" : "\"length\"");
  set_usage(*json, out.tokens_given);
  out.body = json->str();
  out.selection = selections().front();
  for (const watermark::Selection& s : selections()) out.selection.sketch.add(s.sketch);
  return out;
}

}  // namespace stillwatch::countermeasure
