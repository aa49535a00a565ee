// What the sections of the benchmark share: answers as words, and campaigns that mark them.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"
#include "corpus.h"
#include "watermark/detect.h"
#include "watermark/select.h"

namespace stillwatch::bench {

constexpr size_t kNone = ~size_t{0};

struct Moments {
  double n = 0, sum = 0, squares = 0;
  void add(double x) {
    ++n;
    sum += x;
    squares += x * x;
  }
  double mean() const { return sum / n; }
  double deviation() const { return std::sqrt(std::max(0.0, squares / n - mean() * mean())); }
};

struct Bench {
  Corpus corpus;
  std::vector<std::vector<std::vector<watermark::Unit>>> words;  // by model, by prompt
  std::vector<std::vector<watermark::Unit>> prompt_words;
  int keys = 20;

  size_t models() const { return words.size(); }
  size_t prompts() const { return prompt_words.size(); }

  // n models other than `without`, in an order of the prompt's own.
  std::vector<size_t> drafters(size_t n, size_t without, base::Random& random) const;
};

enum class By : uint8_t { kScore, kCount, kNothing };

// One campaign: for every prompt one of n drafts, selected under the key.
struct Campaign {
  std::vector<size_t> chosen;  // model by prompt
  watermark::Filter all_drafts;
  size_t longest = 0;  // how often the longest draft was chosen
};
Campaign run_campaign(const Bench& b, const watermark::Key& key, const watermark::Mark& mark, size_t n, size_t without,
                      By by, uint64_t seed);

watermark::Windows windows_of(const Bench& b, const std::vector<size_t>& chosen, int context,
                              const watermark::Filter* filter = nullptr);

// The sections: each prints its tables.
void selection(const Bench& b);
void power(const Bench& b);
void equal_lengths(const Bench& b);
void sentences(const Bench& b);
void single_by_sentence(const Bench& b);
void students(const Bench& b);
void repeats(const Bench& b);
void correlation(const Bench& b);
void innocents(const Bench& b);

}  // namespace stillwatch::bench
