// An answer that was made whole as the events of a stream, for a client that asked for one: at once, its text in pieces
// of a few words, or as its text comes. Chat completions and messages. Thread rule: a pure function and a value.
#pragma once

#include <string>
#include <string_view>

namespace stillwatch::countermeasure {

// `usage`: chat completions end with a chunk of usage (`stream_options.include_usage`). An answer in no known shape is
// one event.
std::string to_stream(std::string_view body, bool usage);

// An answer that is nothing but text, which comes piece by piece: opening(), any number of piece(), ending().
class AnswerEvents {
 public:
  // `shape`: the body of an answer to the same request; its text and its end are not looked at. REQUIRES: JSON, and
  // that of chat completions or messages.
  explicit AnswerEvents(std::string_view shape);

  const std::string& opening() const { return opening_; }
  std::string piece(std::string_view text) const;
  // `whole`: the body of the whole answer, whose reason for its end and whose usage are told.
  std::string ending(std::string_view whole, bool usage) const;

 private:
  bool chat_ = false;
  std::string head_;  // of every chunk
  std::string opening_;
};

}  // namespace stillwatch::countermeasure
