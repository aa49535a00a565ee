// Takes the value of one member out of a stream of JSON, wherever it stands: of `"logprobs": {...}` stays
// `"logprobs": null`, of an array `[]`. The stream may be one document or Server-Sent Events whose data are documents;
// all other bytes pass as they are. Needs no whole document: what cannot be part of the member goes on at once.
//
// The name is recognised however JSON may spell it. Text that is no JSON passes too; a member in it may be missed,
// never anything lost before one. Thread rule: a value. Bounds: holds back at most the member's name, six bytes a
// character.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stillwatch::countermeasure {

class MemberStripper {
 public:
  explicit MemberStripper(std::string_view member) : member_(member) {}

  // Appends to `out` what of `bytes` may pass.
  void pass(std::string_view bytes, std::string& out);
  // Appends what was held back, at the end of the stream.
  void finish(std::string& out);

 private:
  enum class State : uint8_t { kOutside, kName, kString, kAfterName, kBeforeValue, kScalar, kStringValue, kNested };
  // A character spelt as \n or \u006c.
  struct Escape {
    size_t length = 0;  // of it so far; 0 outside
    uint32_t code = 0;
    std::optional<char> take(char c);
  };
  void step(char c, std::string& out);
  void outside(char c, std::string& out);
  void name(char c, std::string& out);

  std::string member_;
  State state_ = State::kOutside;
  bool escaped_ = false;
  bool in_nested_string_ = false;
  Escape escape_;
  size_t matched_ = 0;  // characters of the name
  int depth_ = 0;       // of the value that is taken out
  std::string held_;    // a string that may be the member's name, with its quotes
};

}  // namespace stillwatch::countermeasure
