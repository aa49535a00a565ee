// A harvested dataset made ready to train on: conversations as tokens, and beside each token what the teacher held
// probable there, as far as the dataset says.
//
// Log-probabilities are of the teacher's tokens. They are of use only to a student whose tokens are the same, and that
// is checked by content: every token that the teacher chose must be one of the student's tokens, and the student must
// cut the answer where the teacher did, in all but kStrayRowsMax of the rows. Else the dataset is refused, with the
// first token that differs; the texts can still be learnt from (sequence-level distillation), by any student. A token
// that the student lacks among the alternatives adds to the rest, which is sound.
//
// Thread rule: pure function. Bounds: those of model/chat.h and base/limits.h; kAlternativesMax of a token.
#pragma once

#include <string_view>
#include <vector>

#include "distill/losses.h"
#include "model/chat.h"

namespace stillwatch::distill {

constexpr double kStrayRowsMax = 0.01;
constexpr size_t kAlternativesMax = 1u << 16;

struct Bought {
  uint64_t exchanges = 0;
  int64_t prompt_tokens = 0, completion_tokens = 0;
};

struct Harvested {
  std::vector<model::Example> examples;
  std::vector<KnownTokens> known;  // of each example; empty where log-probabilities were not asked for
  size_t stray = 0;                // rows whose log-probabilities are of no use, and are left out
  Bought bought;
};

// `want_known`: fails where the dataset has no log-probabilities, or none that fit the tokenizer.
base::Result<Harvested> read_harvested(std::string_view text, std::string_view file, const model::ChatTemplate& marks,
                                       const model::Tokenizer& tokenizer, bool want_known);

}  // namespace stillwatch::distill
