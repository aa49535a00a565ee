// Takes the value of one member out of a stream of JSON, wherever it stands: of `"logprobs": {...}` stays
// `"logprobs": null`, of an array `[]`. The stream may be one document or Server-Sent Events whose data are documents;
// all other bytes pass as they are. Needs no whole document: what cannot be part of the member goes on at once.
//
// Text that is no JSON passes too; a member in it may be missed, never anything lost before one. Thread rule: a value.
// Bounds: holds back at most the member's name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stillwatch::countermeasure {

class MemberStripper {
 public:
  explicit MemberStripper(std::string_view member) : member_(member) {}

  // Appends to `out` what of `bytes` may pass.
  void pass(std::string_view bytes, std::string& out);
  // Appends what was held back, at the end of the stream.
  void finish(std::string& out);

 private:
  enum class State : uint8_t { kOutside, kString, kAfterName, kBeforeValue, kScalar, kStringValue, kNested };
  void step(char c, std::string& out);
  void outside(char c, std::string& out);

  std::string member_;
  State state_ = State::kOutside;
  bool escaped_ = false;
  bool in_nested_string_ = false;
  int depth_ = 0;     // of the value that is taken out
  std::string held_;  // a string that may be the member's name, with its quotes
};

}  // namespace stillwatch::countermeasure
