#include "watermark/embed.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/hash.h"
#include "base/random.h"
#include "watermark/detect.h"
#include "watermark/sketch.h"

namespace stillwatch::watermark {
namespace {

constexpr int32_t kVocabulary = 200;
constexpr Mark kMarks[] = {{Scheme::kGreen, 2, 0.5, 2},
                           {Scheme::kGreen, 1, 0.25, 3},
                           {Scheme::kGumbel, 2},
                           {Scheme::kTournament, 2},
                           {Scheme::kGumbel, 4}};

// Logits that depend on the last token, with an entropy of some 3.5 nats.
const std::vector<float>& model(std::span<const int32_t> tokens) {
  static const auto* const kTable = [] {
    auto* table = new std::vector<std::vector<float>>;
    base::Random random(999);
    for (int32_t last = 0; last <= kVocabulary; ++last) {
      auto& logits = table->emplace_back();
      for (int32_t i = 0; i < kVocabulary; ++i) logits.push_back(1.8f * static_cast<float>(random.normal()));
    }
    return table;
  }();
  return (*kTable)[static_cast<size_t>(tokens.empty() ? kVocabulary : tokens.back())];
}

int32_t draw(std::span<const float> logits, base::Random& random) {
  double sum = 0;
  for (const float l : logits) sum += std::exp(static_cast<double>(l));
  double left = random.uniform() * sum;
  for (size_t i = 0; i < logits.size(); ++i) {
    left -= std::exp(static_cast<double>(logits[i]));
    if (left < 0) return static_cast<int32_t>(i);
  }
  return kVocabulary - 1;
}

// `embedder` null: a text without a mark.
std::vector<int32_t> write(Embedder* embedder, size_t length, base::Random& random) {
  std::vector<int32_t> tokens;
  if (embedder != nullptr) embedder->restart();
  while (tokens.size() < length) {
    std::vector<float> logits = model(tokens);
    if (embedder != nullptr) embedder->apply(tokens, logits);
    tokens.push_back(draw(logits, random));
  }
  return tokens;
}

double p_of(const Key& key, const Mark& mark, std::span<const int32_t> tokens) {
  Windows windows(mark.context);
  windows.add(units_of(tokens));
  return detect(key, mark, windows).p();
}

TEST(Embedder, MarksAreFoundByTheDetectorAndByNoOtherKey) {
  for (const Mark& mark : kMarks) {
    ASSERT_TRUE(mark.check());
    base::Random random(3);
    Embedder embedder(control_key(1), mark);
    const auto tokens = write(&embedder, 200, random);
    EXPECT_LT(p_of(control_key(1), mark, tokens), 1e-8) << name_of(mark.scheme);
    EXPECT_GT(p_of(control_key(2), mark, tokens), 1e-4) << name_of(mark.scheme);
    EXPECT_GT(p_of(control_key(1), mark, write(nullptr, 200, random)), 1e-4) << name_of(mark.scheme);
  }
}

TEST(Embedder, GumbelAndTournamentKeepTheDistributionOverKeys) {
  const std::vector<float> logits = {2, 1, 0.5, 0, -1};
  std::vector<double> p;
  double sum = 0;
  for (const float l : logits) sum += std::exp(static_cast<double>(l));
  for (const float l : logits) p.push_back(std::exp(static_cast<double>(l)) / sum);
  const int32_t context[] = {4, 7};
  for (const Scheme scheme : {Scheme::kGumbel, Scheme::kTournament}) {
    constexpr int kKeys = 20'000;
    std::vector<double> mean(logits.size());
    for (int i = 0; i < kKeys; ++i) {
      Embedder embedder(control_key(i), {scheme, 2, 0.5, 2, 6});
      std::vector<float> marked = logits;
      embedder.apply(context, marked);
      double total = 0;
      for (const float l : marked) total += std::exp(static_cast<double>(l));
      for (size_t t = 0; t < p.size(); ++t) mean[t] += std::exp(static_cast<double>(marked[t])) / total / kKeys;
    }
    for (size_t t = 0; t < p.size(); ++t)
      EXPECT_NEAR(mean[t], p[t], 4.5 * std::sqrt(p[t] * (1 - p[t]) / kKeys)) << name_of(scheme) << " " << t;
  }
}

TEST(Embedder, GreenRaisesByDeltaAndNothingElse) {
  const Mark mark{Scheme::kGreen, 1, 0.5, 1.5};
  const Key key = control_key(3);
  Embedder embedder(key, mark);
  std::vector<float> logits(50, 0.25f);
  const int32_t context[] = {9, 11};
  embedder.apply(context, logits);
  for (Unit i = 0; i < logits.size(); ++i)
    EXPECT_EQ(logits[i], is_green(mark, key.prf(std::vector<Unit>{11, i})) ? 1.75f : 0.25f);
}

TEST(Embedder, TournamentIsThatOfTwoCandidatesALayer) {
  // One layer by hand: the winner of two draws is one with g = 1 if there is any.
  const Mark mark{Scheme::kTournament, 1, 0.5, 0, 1};
  const Key key = control_key(3);
  Embedder embedder(key, mark);
  std::vector<float> logits = {0, 1, -1, 0.3f};
  std::vector<double> p;
  double sum = 0;
  for (const float l : logits) sum += std::exp(static_cast<double>(l));
  for (const float l : logits) p.push_back(std::exp(static_cast<double>(l)) / sum);
  const int32_t context[] = {8};
  embedder.apply(context, logits);
  for (size_t x = 0; x < p.size(); ++x) {
    double wins = 0;  // over both candidates, ties broken evenly
    const auto g = [&](size_t t) { return layer_of(key.prf(std::vector<Unit>{8, t}), 0); };
    for (size_t y = 0; y < p.size(); ++y) wins += 2 * p[x] * p[y] * (g(x) == g(y) ? 0.5 : g(x) ? 1 : 0);
    EXPECT_NEAR(std::exp(static_cast<double>(logits[x])), wins, 1e-6);
  }
}

TEST(Embedder, LeavesWhatIsImpossibleImpossible) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const int32_t context[] = {1, 2, 3, 4};
  for (const Mark& mark : kMarks) {
    Embedder embedder(control_key(1), mark);
    std::vector<float> logits = {kNever, 0, kNever};
    embedder.apply(context, logits);
    EXPECT_EQ(logits[0], kNever);
    EXPECT_GT(logits[1], -100);
    std::vector<float> none = {kNever, kNever};
    embedder.restart();
    embedder.apply(context, none);
    EXPECT_EQ(none, std::vector<float>(2, kNever));
    std::vector<float> early = {0, 0};
    embedder.apply({}, early);  // no context yet
    EXPECT_EQ(early, std::vector<float>(2, 0));
  }
}

TEST(Embedder, LeavesAContextAloneWhenItComesAgain) {
  const int32_t context[] = {1, 2};
  const std::vector<float> logits = {0, 1, 2};
  for (const Scheme scheme : {Scheme::kGumbel, Scheme::kTournament}) {
    Embedder embedder(control_key(1), {scheme, 2});
    std::vector<float> first = logits;
    embedder.apply(context, first);
    EXPECT_NE(first, logits);
    std::vector<float> again = logits;
    embedder.apply(context, again);
    EXPECT_EQ(again, logits);
    embedder.restart();
    embedder.apply(context, again);
    EXPECT_EQ(again, first);
  }
}

TEST(Embedder, CandidatesGetWhatTheirIdsGet) {
  const int32_t context[] = {1, 2};
  for (const Mark& mark : {Mark{Scheme::kGreen, 2}, Mark{Scheme::kTournament, 2}}) {
    Embedder embedder(control_key(1), mark);
    std::vector<float> all = {0, 1, 2, -1};
    embedder.apply(context, all);
    embedder.restart();
    const int32_t ids[] = {2, 0, 3, 1};
    std::vector<float> some = {2, 0, -1, 1};
    embedder.apply(context, ids, some);
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(some[i], all[ids[i]], 1e-5);
  }
}

// A filter by contexts of marked texts is fair: over keys, innocents of the same language get small p-values no more
// often than they say.
TEST(ContextSketch, SparesInnocents) {
  constexpr int kWorlds = 150;
  for (const Mark& mark : {Mark{Scheme::kGreen, 1, 0.5, 2}, Mark{Scheme::kGumbel, 1}}) {
    int below = 0;
    uint64_t passed = 0;
    for (int i = 0; i < kWorlds; ++i) {
      base::Random random(500 + i);
      const Key key = control_key(i);
      Embedder embedder(key, mark);
      Filter filter;
      for (int t = 0; t < 3; ++t) filter.add(ContextSketch(mark.context, units_of(write(&embedder, 40, random))));
      Windows windows(mark.context, &filter);
      for (int t = 0; t < 3; ++t) windows.add(units_of(write(nullptr, 40, random)));
      passed += windows.size();
      below += detect(key, mark, windows).p() <= 0.05;
    }
    EXPECT_GT(passed, 30u * kWorlds);
    EXPECT_LE(below, 0.05 * kWorlds + 4 * std::sqrt(0.05 * kWorlds)) << name_of(mark.scheme);
  }
}

}  // namespace
}  // namespace stillwatch::watermark
