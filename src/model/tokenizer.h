// Text to tokens and back: byte pair encoding. Two families: pieces made of bytes (GPT-2, SmolLM, Qwen2; text is first
// split into words by split.h), and pieces made of characters with single bytes to fall back on (Llama 2, llama2.c).
//
// encode() followed by decode() gives the same bytes, whatever they are, as long as the vocabulary has all 256 bytes
// (those made here do) and its file asks for no normal form. Special tokens come out of text only where marks are asked
// for, so that a user's
// "<|end|>" is text. Thread rule: const methods are reentrant. Bounds: kTokenizerBytesMax of a file; encoding takes
// n log n. Source: Sennrich et al. 2016 (BPE); Kudo and Richardson 2018 (byte fallback).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/split.h"

namespace stillwatch::model {

constexpr size_t kTokenizerBytesMax = 64u << 20;

enum class Marks : uint8_t {
  kText,     // special tokens are written out as ordinary text
  kSpecial,  // the names of special tokens stand for them
};

class Tokenizer {
 public:
  // Hugging Face's tokenizer.json with a BPE model.
  static base::Result<Tokenizer> from_json(std::string_view json, std::string_view file);
  // llama2.c's tokenizer.bin. `vocab_size` is the model's: the file does not say.
  static base::Result<Tokenizer> from_llama2c(std::string_view bytes, size_t vocab_size, std::string_view file);

  void encode(std::string_view text, Marks marks, std::vector<int32_t>& out) const;
  // Special tokens decode to nothing.
  std::string decode(std::span<const int32_t> tokens) const;
  // The bytes one token adds; those of a special token are its name.
  std::string_view piece(int32_t token) const;
  bool special(int32_t token) const;
  int32_t find_special(std::string_view name) const;  // -1: there is none

  size_t size() const;
  // A space that encoding puts before text, and decoding takes away (Llama 2).
  bool leading_space() const;
  // Equal for tokenizers that turn every text into the same tokens.
  uint64_t fingerprint() const;
  const std::string& json() const;  // the file it would be read from

  struct State;  // of the module

 private:
  friend class TokenizerBuilder;
  explicit Tokenizer(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

}  // namespace stillwatch::model
