#include "population/topics.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/hash.h"
#include "base/random.h"

namespace stillwatch::population {
namespace {

constexpr size_t kBuckets = 1024;
constexpr size_t kWordsMax = 40;
constexpr size_t kSample = 12'000;  // conversations the centres are fitted on
constexpr int kRounds = 8;

using Bag = std::vector<std::pair<uint16_t, float>>;
using Centre = std::array<float, kBuckets>;

// Buckets of the words of four bytes and more, each once.
std::vector<uint16_t> words_of(std::string_view text) {
  std::vector<uint16_t> words;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size() && words.size() < kWordsMax; ++i) {
    const auto c = i < text.size() ? static_cast<unsigned char>(text[i]) : ' ';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') continue;
    if (c >= 0x80) continue;
    if (i - begin >= 4) {
      std::string folded(text.substr(begin, i - begin));
      for (char& ch : folded) ch = static_cast<char>(ch | 0x20);
      words.push_back(static_cast<uint16_t>(base::hash64(folded) % kBuckets));
    }
    begin = i + 1;
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

double dot(const Bag& bag, const Centre& centre) {
  double sum = 0;
  for (const auto& [bucket, weight] : bag) sum += weight * centre[bucket];
  return sum;
}

uint16_t nearest(const Bag& bag, const std::vector<Centre>& centres) {
  size_t best = 0;
  double most = -1;
  for (size_t k = 0; k < centres.size(); ++k) {
    const double similarity = dot(bag, centres[k]);
    if (similarity > most) {
      most = similarity;
      best = k;
    }
  }
  return static_cast<uint16_t>(best);
}

}  // namespace

void assign_topics(std::vector<Source>& sources) {
  std::vector<Conversation*> all;
  for (Source& source : sources) {
    for (Conversation& c : source.conversations) all.push_back(&c);
  }
  std::array<double, kBuckets> documents{};
  std::vector<Bag> bags(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    for (const uint16_t word : words_of(std::string_view(all[i]->turns.front().text).substr(0, 2000))) {
      documents[word] += 1;
      bags[i].push_back({word, 1});
    }
  }
  const auto n = static_cast<double>(all.size());
  for (Bag& bag : bags) {
    double square = 0;
    for (auto& [word, weight] : bag) {
      weight = static_cast<float>(std::log(n / documents[word]));
      square += static_cast<double>(weight) * weight;
    }
    for (auto& [word, weight] : bag) weight = square > 0 ? static_cast<float>(weight / std::sqrt(square)) : 0;
  }
  base::Random random(0x70b1c5);
  std::vector<const Bag*> sample;
  for (size_t i = 0; i < std::min(kSample, bags.size()); ++i) sample.push_back(&bags[random.below(bags.size())]);
  std::vector<Centre> centres(kTopics, Centre{});
  for (Centre& centre : centres) {
    for (const auto& [word, weight] : *sample[random.below(sample.size())]) centre[word] = weight;
  }
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Centre> next(kTopics, Centre{});
    for (const Bag* bag : sample) {
      Centre& centre = next[nearest(*bag, centres)];
      for (const auto& [word, weight] : *bag) centre[word] += weight;
    }
    for (size_t k = 0; k < next.size(); ++k) {
      double square = 0;
      for (const float v : next[k]) square += static_cast<double>(v) * v;
      if (square == 0) continue;  // an empty centre stays where it was
      for (size_t b = 0; b < kBuckets; ++b) centres[k][b] = static_cast<float>(next[k][b] / std::sqrt(square));
    }
  }
  for (size_t i = 0; i < all.size(); ++i) all[i]->topic = nearest(bags[i], centres);
}

}  // namespace stillwatch::population
