// What a tokenizer consists of, and how the readers of its formats put it together. Private to the module.
#pragma once

#include <fmt/format.h>

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "model/tokenizer.h"

namespace stillwatch::model {

struct Merge {
  double cost;  // the lowest in a word is done first; among equals the leftmost
  int32_t token;
};

constexpr uint64_t pair_of(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

struct Tokenizer::State {
  std::vector<std::string> pieces;  // the bytes of each token
  std::vector<bool> special;
  std::array<int32_t, 256> byte_tokens;                                              // -1: the vocabulary lacks it
  std::unordered_map<std::string, int32_t, base::TextHash, std::equal_to<>> tokens;  // by bytes, special ones apart
  std::unordered_map<uint64_t, Merge> merges;
  std::vector<int32_t> marks;  // tokens that a name in the text stands for, the longest names first
  std::array<bool, 256> mark_begins{};
  bool by_characters = false;  // pieces begin as characters (Llama 2), else as bytes
  bool leading_space = false;
  bool whole_words = false;  // a word that is a token is never merged together
  bool compose = false;      // text is put into normal form C first
  Split split;
  uint64_t fingerprint = 0;
  std::string json;
};

class TokenizerBuilder {
 public:
  TokenizerBuilder() { s_.byte_tokens.fill(-1); }

  Tokenizer::State& state() { return s_; }
  // Grows the vocabulary to hold `token`; false if it is taken or out of bounds.
  bool add(int32_t token, std::string bytes);
  // One byte to fall back on, where pieces begin as characters.
  bool add_byte(int32_t token, std::string byte);
  // A token that text cannot give; `special` ones decode to nothing.
  bool add_mark(int32_t token, std::string name, bool special);
  void add_merge(int32_t left, int32_t right, Merge merge) { s_.merges.emplace(pair_of(left, right), merge); }
  // Every token must be there. `json` "": made from the parts.
  base::Result<Tokenizer> finish(std::string json, std::string_view file);

 private:
  Tokenizer::State s_;
  std::vector<bool> taken_;
};

// The text of a tokenizer.json with these parts.
std::string tokenizer_json(const Tokenizer::State& state);
// The character that stands for a byte in files of byte-level vocabularies (GPT-2).
std::string character_of(unsigned char byte);

}  // namespace stillwatch::model
