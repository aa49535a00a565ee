#include "model/bpe_trainer.h"

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "model/tokenizer_state.h"

namespace stillwatch::model {
namespace {

constexpr Split kSplit{Pattern::kGpt2, 1, true};

struct Word {
  std::vector<int32_t> tokens;
  int64_t count;
};

struct Pair {
  int64_t count;
  uint64_t pair;
  // The most frequent first, then the lowest tokens.
  bool operator<(const Pair& other) const { return count != other.count ? count < other.count : pair > other.pair; }
};

// How often each pair of neighbours occurs, and in which words.
class Pairs {
 public:
  void add(uint64_t pair, int64_t count, size_t word) {
    counts_[pair] += count;
    if (count > 0) words_[pair].insert(word);
    changed_.insert(pair);
  }
  // Pairs whose counts changed go back into the queue; what is there of them is stale.
  void settle() {
    for (const uint64_t pair : changed_) {
      const int64_t count = counts_[pair];
      if (count > 1) queue_.push({count, pair});
    }
    changed_.clear();
  }
  // False if none occurs twice.
  bool best(uint64_t& pair, std::vector<size_t>& words) {
    while (!queue_.empty()) {
      const Pair top = queue_.top();
      queue_.pop();
      if (counts_[top.pair] != top.count) continue;
      pair = top.pair;
      const auto& in = words_[pair];
      words.assign(in.begin(), in.end());
      std::sort(words.begin(), words.end());
      return true;
    }
    return false;
  }

 private:
  std::unordered_map<uint64_t, int64_t> counts_;
  std::unordered_map<uint64_t, std::unordered_set<size_t>> words_;
  std::unordered_set<uint64_t> changed_;
  std::priority_queue<Pair> queue_;
};

void merge(Word& word, size_t index, uint64_t pair, int32_t token, Pairs& pairs) {
  std::vector<int32_t>& t = word.tokens;
  const auto count = [&](int64_t sign) {
    for (size_t i = 0; i + 1 < t.size(); ++i) pairs.add(pair_of(t[i], t[i + 1]), sign * word.count, index);
  };
  count(-1);
  size_t to = 0;
  for (size_t from = 0; from < t.size(); ++to) {
    const bool hit = from + 1 < t.size() && pair_of(t[from], t[from + 1]) == pair;
    t[to] = hit ? token : t[from];
    from += hit ? 2 : 1;
  }
  t.resize(to);
  count(1);
}

}  // namespace

void BpeTrainer::add(std::string_view text) {
  each_word(text, kSplit, [this](std::string_view word) {
    for (; !word.empty(); word.remove_prefix(std::min(word.size(), kWordBytesMax))) {
      const std::string_view part = word.substr(0, kWordBytesMax);
      const auto it = words_.find(part);
      if (it != words_.end()) {
        ++it->second;
      } else {
        words_.emplace(part, 1);
      }
    }
  });
}

Tokenizer BpeTrainer::train(size_t vocab_size, const std::vector<std::string>& specials) const {
  TokenizerBuilder builder;
  auto& state = builder.state();
  state.split = kSplit;
  for (int b = 0; b < 256; ++b) {
    builder.add(b, std::string(1, static_cast<char>(b)));
    state.byte_tokens[static_cast<size_t>(b)] = b;
  }
  std::vector<Word> words;
  Pairs pairs;
  for (const auto& [text, count] : words_) {
    Word word{{}, count};
    for (const char c : text) word.tokens.push_back(static_cast<unsigned char>(c));
    for (size_t i = 0; i + 1 < word.tokens.size(); ++i)
      pairs.add(pair_of(word.tokens[i], word.tokens[i + 1]), count, words.size());
    words.push_back(std::move(word));
  }
  pairs.settle();
  auto next = int32_t{256};
  const auto end = static_cast<int32_t>(vocab_size - specials.size());
  uint64_t pair = 0;
  std::vector<size_t> in;
  for (; next < end && pairs.best(pair, in); ++next) {
    const auto left = static_cast<int32_t>(pair >> 32);
    const auto right = static_cast<int32_t>(pair);
    builder.add(next, state.pieces[left] + state.pieces[right]);
    builder.add_merge(left, right, {static_cast<double>(next), next});
    for (const size_t word : in) merge(words[word], word, pair, next, pairs);
    pairs.settle();
  }
  for (const std::string& name : specials) builder.add_mark(next++, name, true);
  return *builder.finish("", "tokenizer");  // every token was added above
}

}  // namespace stillwatch::model
