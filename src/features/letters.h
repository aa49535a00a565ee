// Code points of UTF-8 text and what kind of letter each is: by the blocks of Unicode that matter for prompts, without
// tables. No state: any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace stillwatch::features {

enum class Script : uint8_t { kNone, kLatin, kGreek, kCyrillic, kArabic, kIndic, kHan, kKana, kOther };
constexpr int kScripts = 9;

struct CodePoint {
  uint32_t value = 0;
  uint32_t size = 0;  // bytes; 0 if the bytes are not UTF-8
};

// The first of text that is not empty.
CodePoint decode(std::string_view text);

struct Letter {
  bool letter = false;
  bool alone = false;  // of a script without spaces: a word of its own
  bool upper = false;
  uint32_t folded = 0;
  Script script = Script::kNone;
};

// Blocks of the Basic Multilingual Plane that matter for prompts; the rest of the letters count as kOther.
Letter classify(uint32_t code_point);

}  // namespace stillwatch::features
