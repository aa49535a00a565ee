// Marks laid over tokens, where the sampler is ours or lets us change its logits: one construction, three embedders.
//
//   green       adds delta to the logit of every green token (Kirchenbauer et al. 2023, algorithm 2, soft list).
//   gumbel      decides the token: the one with the largest logit + Gumbel noise of the key, -log(-log u); over keys
//   the
//               model's distribution is kept (Aaronson 2022).
//   tournament  replaces the distribution by that of the winners of a tournament of two candidates a layer,
//               p(x) <- p(x) (1 + g(x) - sum of p over tokens with g = 1), layer by layer; over keys it is kept too
//               (SynthID-Text, Dathathri et al. 2024, section "vectorised" tournament sampling).
//
// The unit of a token is its id. After apply() the sampler draws from the softmax of the logits as it would have; under
// `gumbel` only one is left. Logits must be divided by the temperature before, and may have been cut by top-k or top-p
// (-infinity is never raised). Where gumbel and tournament meet a context again in a text they leave the logits alone,
// or the text would turn in circles.
//
// Thread rule: one text at a time, one thread. Bounds: remembers one hash a token of the text.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "watermark/flat_set.h"
#include "watermark/key.h"
#include "watermark/mark.h"

namespace stillwatch::watermark {

class Embedder {
 public:
  // REQUIRES: mark.check() has no complaint.
  Embedder(const Key& key, const Mark& mark) : key_(key), mark_(mark) {}

  // `tokens`: the text so far, of which the last ones are the context; with fewer than mark.context nothing is done.
  // logits[i] is that of token i.
  void apply(std::span<const int32_t> tokens, std::span<float> logits);
  // logits[i] is that of token ids[i]. REQUIRES: ids.size() == logits.size().
  void apply(std::span<const int32_t> tokens, std::span<const int32_t> ids, std::span<float> logits);
  void restart() { seen_.clear(); }  // a new text

 private:
  template <typename IdOf>
  void apply_to(std::span<const int32_t> tokens, std::span<float> logits, IdOf id_of);
  void tournament(std::span<float> logits);

  Key key_;
  Mark mark_;
  FlatSet<uint64_t> seen_;      // contexts of this text
  std::vector<uint64_t> bits_;  // scratch, one a token
  std::vector<double> p_;       // scratch, one a token
};

std::vector<Unit> units_of(std::span<const int32_t> tokens);

}  // namespace stillwatch::watermark
