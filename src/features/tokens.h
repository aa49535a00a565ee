// Text to tokens, in any language and script: runs of letters are words (case folded for Latin, Greek, Cyrillic and
// Armenian), runs of digits are numbers, every ideograph, kana or other letter of a script without spaces is a word of
// its own, everything else that is visible is punctuation. Invalid UTF-8 is read as punctuation, byte by byte.
//
// Hashes are equal on every machine; they are the vocabulary of the embedding table, so changing them changes
// kEmbeddingVersion.
//
// Bounds: reads all of `text`; callers pass at most base::kFeatureTextBytesMax. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "features/letters.h"

namespace stillwatch::features {

enum class TokenKind : uint8_t { kWord, kNumber, kIdeograph, kPunctuation, kNewline };

struct Token {
  uint64_t hash = 0;    // of the folded bytes; punctuation hashes its bytes, a newline run counts once
  uint32_t begin = 0;   // offset into the text
  uint32_t length = 0;  // bytes
  TokenKind kind = TokenKind::kPunctuation;
  Script script = Script::kNone;
  bool capital = false;  // starts with an upper-case letter
};

inline bool is_word(const Token& token) {
  return token.kind == TokenKind::kWord || token.kind == TokenKind::kNumber || token.kind == TokenKind::kIdeograph;
}

// The tokens lie in `storage`, which grows to one for each byte of the longest text and is used again.
std::span<const Token> tokenize(std::string_view text, std::vector<Token>& storage);

// The hash a single word gets, for tables built from word lists.
uint64_t word_hash(std::string_view word);

}  // namespace stillwatch::features
