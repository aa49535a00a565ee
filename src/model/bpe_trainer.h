// Makes a byte-level tokenizer from text: the 256 bytes, then merges of the most frequent neighbours, then the special
// tokens. Numbers stay single digits, so that a model can work with them place by place.
//
// Deterministic: of pairs that are equally frequent the one with the lower tokens is merged first. Bounds: words longer
// than kWordBytesMax are learnt from in pieces. Thread rule: one thread. Source: Sennrich et al. 2016, algorithm 1.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"

namespace stillwatch::model {

class BpeTrainer {
 public:
  static constexpr size_t kWordBytesMax = 256;

  void add(std::string_view text);
  // Fewer tokens than `vocab_size` come out where the text has no more pairs that occur twice.
  // REQUIRES: vocab_size >= 256 + specials.size().
  Tokenizer train(size_t vocab_size, const std::vector<std::string>& specials) const;

 private:
  std::map<std::string, int64_t, std::less<>> words_;
};

}  // namespace stillwatch::model
