#include "model/transformer.h"

#include <gtest/gtest.h>

#include "model/generator.h"
#include "model/test_reference.h"

namespace stillwatch::model {
namespace {

std::vector<int32_t> random_tokens(const Config& c, size_t n, uint64_t seed) {
  base::Random random(seed);
  std::vector<int32_t> tokens(n);
  for (int32_t& t : tokens) t = static_cast<int32_t>(random.below(static_cast<uint64_t>(c.vocab_size)));
  return tokens;
}

struct Case {
  bool tied, bias;
};
class TransformerTest : public testing::TestWithParam<Case> {};

TEST_P(TransformerTest, LogitsAreThoseOfTheSlowTwin) {
  const Config c = tiny_config(GetParam().tied, GetParam().bias);
  const Weights w = random_weights(c, 11);
  const auto tokens = random_tokens(c, 40, 2);
  const auto expected = reference_logits(c, w, tokens);
  const Transformer transformer(c, w);
  Transformer::Room room;
  std::vector<float> logits;
  // Whole, and in pieces of all sizes.
  for (const size_t piece : {size_t{40}, size_t{1}, size_t{7}}) {
    Cache cache(c, 40);
    for (size_t at = 0; at < tokens.size(); at += piece) {
      const auto part = std::span(tokens).subspan(at, std::min(piece, tokens.size() - at));
      const Transformer::Part parts[] = {{&cache, part, true}};
      transformer.read(parts, room, logits);
      ASSERT_EQ(logits.size(), part.size() * static_cast<size_t>(c.vocab_size));
      for (size_t i = 0; i < logits.size(); ++i) {
        const size_t row = at + i / static_cast<size_t>(c.vocab_size);
        EXPECT_NEAR(logits[i], expected[row][i % static_cast<size_t>(c.vocab_size)], 2e-4) << piece << " " << row;
      }
    }
    EXPECT_EQ(cache.tokens(), tokens.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, TransformerTest, testing::Values(Case{true, false}, Case{false, true}));

GenerationRequest request_of(const Config& c, uint64_t seed) {
  GenerationRequest r;
  r.prompt = random_tokens(c, 1 + seed % 9, seed);
  r.tokens_max = static_cast<uint32_t>(3 + seed % 20);
  r.sampling.seed = seed;
  r.sampling.temperature = seed % 3 == 0 ? 0 : 1;
  r.want_logprobs = seed % 2 == 0;
  return r;
}

TEST(Generator, AnswersDependOnTheirRequestAlone) {
  const Config c = tiny_config(true, false);
  const Transformer transformer(c, random_weights(c, 11));
  std::map<uint64_t, std::vector<int32_t>> together;
  Generator generator(transformer, 2);
  // They come and leave at different times.
  uint64_t added = 0;
  while (added < 20 || !generator.idle()) {
    for (int i = 0; i < 3 && added < 20; ++i) ASSERT_EQ(*generator.add(request_of(c, added++)), added);
    for (const GenerationEvent& e : generator.step()) together[e.id].push_back(e.choice.token);
  }
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto alone = generate(transformer, request_of(c, seed));
    ASSERT_TRUE(alone);
    std::vector<int32_t> tokens;
    for (const Choice& choice : *alone) tokens.push_back(choice.token);
    EXPECT_EQ(together[seed + 1], tokens) << seed;
    EXPECT_EQ(tokens.size(), request_of(c, seed).tokens_max);
  }
}

TEST(Generator, EndsAtAStopTokenAndTellsWhy) {
  const Config c = tiny_config(true, false);
  const Transformer transformer(c, random_weights(c, 11));
  GenerationRequest r = request_of(c, 3);
  r.tokens_max = 30;
  const auto all = generate(transformer, r);
  ASSERT_TRUE(all);
  r.stop = {(*all)[5].token};
  Generator generator(transformer, 1);
  ASSERT_TRUE(generator.add(r));
  std::vector<GenerationEvent> events;
  while (!generator.idle()) {
    for (const auto& e : generator.step()) events.push_back(e);
  }
  ASSERT_FALSE(events.empty());
  EXPECT_LE(events.size(), 6U);
  EXPECT_EQ(events.back().finish, Finish::kStop);
  EXPECT_EQ(events.back().choice.token, r.stop[0]);
}

TEST(Generator, WaitsForMemoryInLine) {
  const Config c = tiny_config(true, false);
  const Transformer transformer(c, random_weights(c, 11));
  Generator generator(transformer, 1, 2 * Cache::bytes_of(c, 32));
  for (uint64_t i = 0; i < 5; ++i) {
    GenerationRequest r = request_of(c, i);
    r.prompt = random_tokens(c, 8, i);
    r.tokens_max = 20;
    ASSERT_TRUE(generator.add(r));
  }
  std::vector<uint64_t> order;
  while (!generator.idle()) {
    for (const auto& e : generator.step()) {
      if (e.finish) order.push_back(e.id);
    }
    EXPECT_LE(generator.running(), 2U);
  }
  EXPECT_EQ(order, (std::vector<uint64_t>{1, 2, 3, 4, 5}));
}

TEST(Generator, CancelledRequestsAreGone) {
  const Config c = tiny_config(true, false);
  const Transformer transformer(c, random_weights(c, 11));
  Generator generator(transformer, 1);
  const auto first = generator.add(request_of(c, 1));
  const auto second = generator.add(request_of(c, 2));
  generator.step();
  generator.cancel(*first);
  for (int i = 0; i < 40; ++i) {
    for (const auto& e : generator.step()) EXPECT_EQ(e.id, *second);
  }
  EXPECT_TRUE(generator.idle());
}

TEST(Generator, RefusesWhatTheModelCannotRead) {
  const Config c = tiny_config(true, false);
  const Transformer transformer(c, random_weights(c, 11));
  Generator generator(transformer, 1);
  EXPECT_FALSE(generator.add({}));
  GenerationRequest r;
  r.prompt = {static_cast<int32_t>(c.vocab_size)};
  EXPECT_FALSE(generator.add(r));
  r.prompt.assign(static_cast<size_t>(c.context), 1);
  EXPECT_FALSE(generator.add(r));
}

}  // namespace
}  // namespace stillwatch::model
