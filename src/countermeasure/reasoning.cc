#include "countermeasure/reasoning.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace stillwatch::countermeasure {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";
constexpr std::string_view kBlank = " \t\r\n";

std::string_view without_blanks(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(kBlank), text.size()));
}

std::string thought(std::string_view summary) {
  return fmt::format("{}\n{}\n{}\n\n", kOpen, summary, kClose);
}

void empty(JsonText& json, JsonText::Node n) {
  switch (json.kind(n)) {
    case JsonText::Kind::kArray:
      return json.replace(n, "[]");
    case JsonText::Kind::kString:
      return json.replace(n, "\"\"");
    default:
      return json.replace(n, "null");
  }
}

}  // namespace

void ReasoningStripper::collect(std::string_view reasoning) {
  if (summarise_)
    reasoning_ += reasoning.substr(0, kReasoningBytesMax - std::min(reasoning_.size(), kReasoningBytesMax));
}

// Of a text that comes in pieces, what does not stand between the tags; what may be a part of a tag is kept for later.
std::string ReasoningStripper::without_think(std::string_view text, bool last) {
  if (think_ == Think::kOver) return std::string(text);
  tag_ += text;
  if (think_ == Think::kStart) {
    const std::string_view begun = without_blanks(tag_);
    if (!last && begun.size() < kOpen.size() && kOpen.starts_with(begun)) return {};
    if (!begun.starts_with(kOpen)) {
      think_ = Think::kOver;
      return std::exchange(tag_, {});
    }
    think_ = Think::kInside;
    tag_ = std::string(begun.substr(kOpen.size()));
  }
  const size_t close = tag_.find(kClose);
  if (close == tag_.npos) {
    const size_t keep = last ? 0 : std::min(tag_.size(), kClose.size() - 1);
    collect(std::string_view(tag_).substr(0, tag_.size() - keep));
    tag_.erase(0, tag_.size() - keep);
    return {};
  }
  collect(std::string_view(tag_).substr(0, close));
  think_ = Think::kOver;
  return std::string(without_blanks(std::string_view(std::exchange(tag_, {})).substr(close + kClose.size())));
}

// The same of a whole text, whatever the stream has told; the summary takes the place of what is left out.
std::string ReasoningStripper::after_think(std::string_view text) {
  const std::string_view begun = without_blanks(text);
  if (!begun.starts_with(kOpen)) return std::string(text);
  const size_t close = begun.find(kClose);
  const std::string_view rest =
      close == begun.npos ? std::string_view() : without_blanks(begun.substr(close + kClose.size()));
  return (summary_.empty() ? std::string() : thought(summary_)).append(rest);
}

// A document, or an event that says again what deltas said.
void ReasoningStripper::edit_whole(JsonText& json, const AnswerParts& parts) {
  bool first = true;
  for (const JsonText::Node n : parts.reasoning) {
    json.replace_text(n, first ? summary_ : std::string());
    first = false;
  }
  for (const JsonText::Node n : parts.text) {
    const std::string text = json.text(n);
    if (std::string visible = after_think(text); visible != text) json.replace_text(n, visible);
  }
}

void ReasoningStripper::await(AnswerEvent& event) {
  awaiting_ = asked_ = true;
  waiting_ += event.raw;
  event.drop = true;
}

void ReasoningStripper::edit(AnswerEvent& event, bool document) {
  if (awaiting_) {
    waiting_ += event.raw;
    event.drop = true;
    return;
  }
  auto json = JsonText::parse(event.data);
  if (!json) return;
  const AnswerParts parts = parts_of(*json);
  if (document || parts.again) {
    if (summarise_ && !asked_) {
      if (document) {
        for (const JsonText::Node n : parts.reasoning) collect(json->text(n));
        for (const JsonText::Node n : parts.text) without_think(json->text(n), true);
      }
      if (!reasoning_.empty() && (document || !parts.reasoning.empty() || !parts.text.empty())) return await(event);
    }
    edit_whole(*json, parts);
  } else {
    const Think think = think_;
    const std::string tag = tag_;
    bool visible = false;
    for (const JsonText::Node n : parts.text) {
      const std::string text = json->text(n);
      const std::string shown = without_think(text, parts.ended);
      visible = visible || !shown.empty();
      if (shown != text) json->replace_text(n, shown);
    }
    // The first of the answer that is not reasoning waits for the summary of what was.
    if (summarise_ && !asked_ && !reasoning_.empty() && (visible || parts.ended || parts.reasoning_ended)) {
      think_ = think;
      tag_ = tag;
      return await(event);
    }
    for (const JsonText::Node n : parts.reasoning) {
      collect(json->text(n));
      if (json->raw(n) != "\"\"") json->replace(n, "\"\"");
    }
    if (summarise_ && !asked_ && !(parts.reasoning.empty() && parts.text.empty())) {
      model_event_ = event.data;
      model_event_name_ = event.name;
    }
  }
  for (const JsonText::Node n : parts.opaque) empty(*json, n);
  if (json->edited()) event.set_data(json->str());
}

std::string ReasoningStripper::summary_event() const {
  auto json = JsonText::parse(model_event_);
  if (summary_.empty() || !json) return {};
  const AnswerParts parts = parts_of(*json);
  if (!parts.reasoning.empty()) {
    json->replace_text(parts.reasoning.front(), summary_);
    for (const JsonText::Node n : parts.text) json->replace_text(n, "");
  } else if (!parts.text.empty()) {
    json->replace_text(parts.text.front(), thought(summary_));
  }
  return fmt::format("{}{}data: {}\n\n", model_event_name_.empty() ? "" : "event: ",
                     model_event_name_.empty() ? "" : model_event_name_ + "\n", json->str());
}

void ReasoningStripper::pass(std::string_view bytes, std::string& out) {
  stream_.pass(
      bytes, [this](AnswerEvent& event) { edit(event, stream_.of_documents()); }, out);
}

void ReasoningStripper::finish(std::string& out) {
  stream_.finish([this](AnswerEvent& event) { edit(event, stream_.of_documents()); }, out);
}

void ReasoningStripper::resume(std::string_view summary, std::string& out) {
  awaiting_ = false;
  summary_ = summary;
  const std::string waiting = std::exchange(waiting_, {});
  const bool document = stream_.of_documents();
  if (!document) out += summary_event();
  AnswerStream again;
  const auto editor = [this, document](AnswerEvent& event) { edit(event, document); };
  again.pass(waiting, editor, out);
  again.finish(editor, out);
}

}  // namespace stillwatch::countermeasure
