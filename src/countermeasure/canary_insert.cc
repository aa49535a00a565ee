#include "countermeasure/canary_insert.h"

#include <algorithm>
#include <array>

#include "countermeasure/answer_parts.h"

namespace stillwatch::countermeasure {
namespace {

constexpr size_t kWordsBefore = 40;  // a canary is nothing to begin with

bool is_letter(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return (lower >= 'a' && lower <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}

// Words of a prompt in lower case with a space around each, so that words can be looked up in it.
std::string words_of_prompt(std::string_view prompt) {
  std::string out = " ";
  for (const char c : prompt.substr(0, 2000)) {
    if (is_letter(c)) {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    } else if (out.back() != ' ') {
      out += ' ';
    }
  }
  return out + " ";
}

template <size_t N>
bool has_any(std::string_view words, const std::array<std::string_view, N>& of) {
  return std::any_of(of.begin(), of.end(), [&](std::string_view w) { return words.find(w) != words.npos; });
}

}  // namespace

bool asks_for_story(std::string_view prompt) {
  static constexpr std::array<std::string_view, 8> kVerbs = {" write ",   " tell ",     " make up ", " create ",
                                                             " compose ", " continue ", " invent ",  " begin "};
  static constexpr std::array<std::string_view, 7> kStories = {" story ",   " tale ",  " fairytale ", " fable ",
                                                               " stories ", " tales ", " fiction "};
  // Stories that are not made up, and other things that are called so.
  static constexpr std::array<std::string_view, 33> kNot = {
      " true ",        " real ",       " actual ",       " news ",      " fact ",          " facts ",
      " factual ",     " history ",    " historical ",   " biography ", " summary ",       " summarize ",
      " summarise ",   " user story ", " user stories ", " case ",      " success story ", " success stories ",
      " cover story ", " article ",    " essay ",        " report ",    " explain ",       " analyze ",
      " analyse ",     " code ",       " json ",         " list ",      " table ",         " poem ",
      " translate ",   " nonfiction ", " life story "};
  const std::string words = words_of_prompt(prompt);
  return has_any(words, kVerbs) && has_any(words, kStories) && !has_any(words, kNot);
}

void CanaryInserter::look_at(char c) {
  constexpr std::string_view kNotProse = "{}<>=|`#_\\/@$%&[]";
  if (kNotProse.find(c) != kNotProse.npos || (c >= '0' && c <= '9')) prose_ = false;
  if (before_ == '\n' && (c == '-' || c == '*' || c == '+')) prose_ = false;
  if (is_letter(c) && !is_letter(before_) && before_ != '\'') ++words_;
  if (c == '\n') {
    ++breaks_;
  } else if (c != ' ' && c != '\r') {
    breaks_ = 0;
  }
  before_ = c;
}

std::string CanaryInserter::with_canary(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!inserted_ && prose_ && breaks_ >= 2 && words_ >= kWordsBefore && (is_letter(c) || c == '"')) {
      inserted_ = true;
      out += sentence_ + "\n\n";
    }
    look_at(c);
    out += c;
    if (!inserted_) before_canary_ += c;
  }
  if (!inserted_ && before_canary_.size() > kTextBeforeMax) prose_ = false;
  return out;
}

std::string CanaryInserter::told_again(std::string_view text) const {
  if (!inserted_ || !text.starts_with(before_canary_)) return std::string(text);
  return before_canary_ + sentence_ + "\n\n" + std::string(text.substr(before_canary_.size()));
}

void CanaryInserter::begin_text() {
  before_canary_.clear();
  words_ = 0;
  breaks_ = 2;
  before_ = '\n';
}

void CanaryInserter::edit(AnswerEvent& event) {
  if (inserted_ ? !tells_again_ : !prose_) return;
  auto json = JsonText::parse(event.data);
  if (!json) return;
  const AnswerParts parts = parts_of(*json);
  if (parts.again) {
    tells_again_ = true;
    if (!inserted_) begin_text();  // between two texts of one answer
  }
  for (const JsonText::Node n : parts.text) {
    const std::string text = json->text(n);
    if (std::string with = parts.again ? told_again(text) : inserted_ ? text : with_canary(text); with != text)
      json->replace_text(n, with);
  }
  if (json->edited()) event.set_data(json->str());
}

void CanaryInserter::pass(std::string_view bytes, std::string& out) {
  stream_.pass(
      bytes, [this](AnswerEvent& event) { edit(event); }, out);
}

void CanaryInserter::finish(std::string& out) {
  stream_.finish([this](AnswerEvent& event) { edit(event); }, out);
}

}  // namespace stillwatch::countermeasure
