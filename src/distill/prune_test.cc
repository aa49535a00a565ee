#include "distill/prune.h"

#include <gmock/gmock.h>

#include "model/test_reference.h"

namespace stillwatch::distill {
namespace {

using model::Config;
using model::Weights;
using testing::ElementsAre;
using testing::HasSubstr;

// Heads 0 and 1 share keys and values, and so do 2 and 3.
Config shape_of(int64_t layers) {
  Config c = model::tiny_config(true, true);
  c.layers = layers;
  return c;
}

std::vector<model::Example> random_examples(const Config& c) {
  base::Random random(5);
  std::vector<model::Example> examples(6);
  for (model::Example& e : examples) {
    for (size_t i = 0; i < 12; ++i) {
      e.tokens.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(c.vocab_size))));
      e.scored.push_back(i >= 4);
    }
  }
  return examples;
}

// What the model itself goes on to say behind random tokens, and so would lose by any change.
std::vector<model::Example> own_examples(const Config& c, const Weights& w) {
  auto examples = random_examples(c);
  for (model::Example& e : examples) {
    for (size_t t = 0; t < e.tokens.size(); ++t) {
      if (!e.scored[t]) continue;
      const model::Row last = model::reference_logits(c, w, std::span(e.tokens).first(t)).back();
      e.tokens[t] = static_cast<int32_t>(std::max_element(last.begin(), last.end()) - last.begin());
    }
  }
  return examples;
}

// Sets rows (or columns) from..to of a matrix to zero.
void blank(model::Tensor& t, size_t from, size_t to, bool columns = false) {
  const size_t width = t.shape.size() > 1 ? static_cast<size_t>(t.shape[1]) : 1;
  for (size_t i = 0; i < t.values.size(); ++i) {
    const size_t place = columns ? i % width : i / width;
    if (place >= from && place < to) t.values[i] = 0;
  }
}
model::Tensor& in_layer(Weights& w, int64_t layer, const char* what) {
  return w.find(model::layer_name(layer, what))->second;
}

void expect_same_answers(const Config& a, const Weights& of_a, const Config& b, const Weights& of_b) {
  const std::vector<int32_t> tokens = {3, 1, 4, 1, 5, 9, 2, 6};
  const auto left = model::reference_logits(a, of_a, tokens), right = model::reference_logits(b, of_b, tokens);
  for (size_t p = 0; p < left.size(); ++p) {
    for (size_t v = 0; v < left[p].size(); ++v) ASSERT_NEAR(left[p][v], right[p][v], 1e-3) << p << " " << v;
  }
}

TEST(Prune, MissesNothingThatWasZero) {
  const Config c = shape_of(2);
  Weights w = model::random_weights(c, 3);
  for (const int64_t layer : {0, 1}) {
    blank(in_layer(w, layer, "mlp.gate_proj"), 4, 12);
    blank(in_layer(w, layer, "mlp.down_proj"), 4, 12, true);
    blank(in_layer(w, layer, "self_attn.o_proj"), 8, 16, true);   // head 1
    blank(in_layer(w, layer, "self_attn.o_proj"), 16, 24, true);  // head 2
    for (const char* what : {"self_attn.o_proj", "mlp.down_proj"}) blank(in_layer(w, layer, what), 5, 9);
  }
  blank(w["model.embed_tokens.weight"], 5, 9, true);
  const auto pruned = prune(c, w, {.heads = 2, .ffn_dim = 12, .dim = 20}, random_examples(c), 1);
  ASSERT_TRUE(pruned) << pruned.error().message;
  EXPECT_EQ(pruned->config.heads, 2);
  EXPECT_EQ(pruned->config.kv_heads, 2);
  EXPECT_EQ(pruned->config.ffn_dim, 12);
  EXPECT_EQ(pruned->config.dim, 20);
  expect_same_answers(c, w, pruned->config, pruned->weights);
  EXPECT_NEAR(pruned->loss_after, pruned->loss_before, 1e-4);
}

TEST(Prune, DropsTheLayersThatDoNothing) {
  const Config c = shape_of(4);
  Weights w = model::random_weights(c, 4);
  for (const int64_t layer : {0, 2}) {
    for (const char* what : {"self_attn.o_proj", "mlp.down_proj"}) blank(in_layer(w, layer, what), 0, 24);
  }
  const auto pruned = prune(c, w, {.layers = 2}, own_examples(c, w), 1);
  ASSERT_TRUE(pruned) << pruned.error().message;
  EXPECT_THAT(pruned->layers, ElementsAre(1, 3));
  expect_same_answers(c, w, pruned->config, pruned->weights);
}

// Cross-entropy by the slow twin, of the model without each of its layers.
TEST(Prune, DropsTheLayerWithoutWhichTheLossIsLeast) {
  const Config c = shape_of(3);
  const Weights w = model::random_weights(c, 6);
  const auto examples = random_examples(c);
  Config two = c;
  two.layers = 2;
  std::vector<double> losses;
  for (int64_t gone = 0; gone < 3; ++gone) {
    Weights rest = model::random_weights(two, 1);
    for (auto& [name, tensor] : rest) tensor = w.find(name)->second;
    for (int64_t n = gone; n < 2; ++n) {
      const std::string to = "model.layers." + std::to_string(n), from = "model.layers." + std::to_string(n + 1);
      for (auto& [name, tensor] : rest) {
        if (name.starts_with(to)) tensor = w.find(from + name.substr(to.size()))->second;
      }
    }
    double nats = 0, scored = 0;
    for (const model::Example& e : examples) {
      const auto logits = model::reference_logits(two, rest, e.tokens);
      for (size_t t = 1; t < e.tokens.size(); ++t) {
        if (!e.scored[t]) continue;
        double sum = 0;
        for (const double x : logits[t - 1]) sum += std::exp(x);
        nats += std::log(sum) - logits[t - 1][static_cast<size_t>(e.tokens[t])];
        ++scored;
      }
    }
    losses.push_back(nats / scored);
  }
  const auto pruned = prune(c, w, {.layers = 2}, examples, 1);
  ASSERT_TRUE(pruned) << pruned.error().message;
  const auto least = std::min_element(losses.begin(), losses.end());
  EXPECT_NEAR(pruned->loss_after, *least, 1e-4);
  EXPECT_THAT(pruned->layers, testing::Not(testing::Contains(least - losses.begin())));
}

TEST(Prune, CopiesAllWhereNothingIsToGo) {
  const Config c = shape_of(2);
  const Weights w = model::random_weights(c, 3);
  const auto examples = random_examples(c);
  const auto pruned = prune(c, w, {}, examples, 1);
  ASSERT_TRUE(pruned);
  for (const auto& [name, tensor] : w) EXPECT_EQ(pruned->weights.find(name)->second.values, tensor.values) << name;
  // The loss before and after: 6 examples of 11 tokens, twice.
  EXPECT_EQ(pruned->tokens, 2 * 6 * 11);
  EXPECT_EQ(pruned->operations, 2 * 6 * 11 * 2.0 * static_cast<double>(c.parameters()));
}

TEST(Prune, RefusesWhatCannotBeKept) {
  const Config c = shape_of(2);
  const Weights w = model::random_weights(c, 3);
  const auto examples = random_examples(c);
  const auto message = [&](const PrunedShape& shape, std::span<const model::Example> calibration) {
    const auto pruned = prune(c, w, shape, calibration, 1);
    return pruned ? "" : pruned.error().message;
  };
  EXPECT_THAT(message({.layers = 3}, examples), HasSubstr("3 layers cannot be kept: the model has 2"));
  EXPECT_THAT(message({.ffn_dim = -1}, examples), HasSubstr("feed-forward units"));
  EXPECT_THAT(message({.heads = 3}, examples), HasSubstr("keys and values"));
  EXPECT_THAT(message({}, {}), HasSubstr("calibration"));
}

}  // namespace
}  // namespace stillwatch::distill
