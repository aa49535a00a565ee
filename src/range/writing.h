// Texts that a language model writes by itself, from the token that begins one: stories, where nearly every next token
// is open, so that a mark over tokens has room.
//
// What such a model expects of texts that it is made to read is told too. A text depends on the model, the seed, its
// number and the mark alone. Thread rule: pure functions.
#pragma once

#include <optional>
#include <vector>

#include "attribution/reading.h"
#include "model/sampler.h"
#include "model/transformer.h"
#include "training/batch.h"
#include "watermark/key.h"
#include "watermark/mark.h"

namespace stillwatch::range {

// What marks tokens as they are drawn (watermark/embed.h).
struct TokenMark {
  watermark::Key key;
  watermark::Mark mark;
};

model::LogitsHook hook_of(const TokenMark& mark);  // for one text

// Of a seed's trials. Nothing here is secret.
watermark::Key trial_key(uint64_t seed);

using Text = std::vector<int32_t>;  // without the token that begins it; with the one that ends it, if it came to that

struct WriteOptions {
  uint64_t texts = 1;
  uint32_t tokens_max = 96;
  uint64_t seed = 1;
  unsigned threads = 1;
  std::optional<TokenMark> mark = std::nullopt;
};

// At temperature 1. REQUIRES: the model's configuration names the tokens that begin and end a text.
base::Result<std::vector<Text>> write_texts(const model::Transformer& transformer, const WriteOptions& options);

// What the model expects at every place of texts, each begun by the token that begins one: its `tops` likeliest tokens
// after the last `context` or fewer.
std::vector<attribution::Place> read_texts(const model::Transformer& transformer, std::span<const Text> texts,
                                           size_t context, size_t tops);

// To learn every token of it from. `bos` begins it.
model::Example example_of(int32_t bos, const Text& text);

}  // namespace stillwatch::range
