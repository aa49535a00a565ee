// A model to begin training with. Thread rule: pure functions.
#pragma once

#include <span>

#include "model/folder.h"
#include "training/recipe.h"

namespace stillwatch::training {

// A byte-level BPE of these conversations with the marks of our own conversations.
model::Tokenizer fit_tokenizer(std::span<const model::Conversation> rows, int64_t vocabulary);

// The recipe's shape with that tokenizer and random weights by the recipe's seed.
model::Model fresh_model(const Recipe& recipe, model::Tokenizer tokenizer, const model::ChatTemplate& marks);

}  // namespace stillwatch::training
