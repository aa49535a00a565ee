#include <gtest/gtest.h>

#include <cmath>

#include "model/test_reference.h"
#include "training/cpu_network.h"

namespace stillwatch::training {
namespace {

using model::Config;
using model::Weights;

struct Case {
  bool tied, bias;
};

// Three examples of uneven lengths; scored from the third token on.
Batch small_batch(const Config& c) {
  Batch batch;
  base::Random random(7);
  uint64_t row = 0;
  for (const size_t length : {9, 2, 17}) {
    model::Example e;
    for (size_t i = 0; i < length; ++i) {
      e.tokens.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(c.vocab_size))));
      e.scored.push_back(i >= 2);
    }
    batch.add(e, row++, c.context);
  }
  return batch;
}

double reference_loss(const Config& c, const Weights& w, const Batch& batch) {
  double sum = 0;
  for (size_t e = 0; e < batch.examples(); ++e) {
    const size_t begin = batch.starts[e];
    const auto logits =
        model::reference_logits(c, w, std::span(batch.tokens).subspan(begin, batch.starts[e + 1] - begin));
    for (const Scored& s : batch.scored) {
      if (s.example != e) continue;
      const model::Row& row = logits[s.position - begin];
      double total = 0;
      for (const double v : row) total += std::exp(v);
      sum += std::log(total) - row[static_cast<size_t>(s.target)];
    }
  }
  return sum;
}

class CpuNetworkTest : public testing::TestWithParam<Case> {};

TEST_P(CpuNetworkTest, LossAndGradientsAreThoseOfTheSlowTwin) {
  const Config c = model::tiny_config(GetParam().tied, GetParam().bias);
  Weights w = model::random_weights(c, 3);
  const Batch batch = small_batch(c);
  CrossEntropy loss;
  auto network = make_cpu_network(c, w, 2);
  ASSERT_TRUE(network);
  const double scale = 1.0 / static_cast<double>(batch.scored.size());
  const auto sum = (*network)->accumulate(batch, loss, scale);
  ASSERT_TRUE(sum);
  EXPECT_NEAR(*sum, reference_loss(c, w, batch), 1e-4);
  // With beta1 = 0 the first moment is the gradient.
  AdamW adam;
  adam.beta1 = 0;
  const double norm = (*network)->gradient_norm();
  (*network)->update(adam, 0, 1);
  const Weights gradients = (*network)->snapshot().first;
  double squares = 0;
  base::Random random(1);
  for (auto& [name, tensor] : w) {
    const model::Tensor& gradient = gradients.find(name)->second;
    for (const float g : gradient.values) squares += static_cast<double>(g) * g;
    for (int probe = 0; probe < 12; ++probe) {
      const size_t i = random.below(tensor.values.size());
      const float before = tensor.values[i];
      const float step = 1e-3F;
      tensor.values[i] = before + step;
      const double up = tensor.values[i], above = reference_loss(c, w, batch);
      tensor.values[i] = before - step;
      const double down = tensor.values[i], below = reference_loss(c, w, batch);
      tensor.values[i] = before;
      EXPECT_NEAR(gradient.values[i], (above - below) / (up - down) * scale, 2e-5 + 2e-4 * std::abs(gradient.values[i]))
          << name << " " << i;
    }
  }
  EXPECT_NEAR(norm, std::sqrt(squares), 1e-4 * norm);
}

INSTANTIATE_TEST_SUITE_P(Shapes, CpuNetworkTest, testing::Values(Case{true, false}, Case{false, true}));

TEST(CpuNetwork, ExamplesDoNotSeeEachOther) {
  const Config c = model::tiny_config(true, false);
  const Weights w = model::random_weights(c, 5);
  auto network = make_cpu_network(c, w, 1);
  ASSERT_TRUE(network);
  CrossEntropy loss;
  const Batch together = small_batch(c);
  double apart = 0;
  for (size_t e = 0; e < together.examples(); ++e) {
    Batch one;
    const size_t begin = together.starts[e], end = together.starts[e + 1];
    one.tokens.assign(together.tokens.begin() + begin, together.tokens.begin() + end);
    one.starts = {0, static_cast<uint32_t>(end - begin)};
    for (Scored s : together.scored) {
      if (s.example != e) continue;
      s.position -= static_cast<uint32_t>(begin);
      s.example = 0;
      one.scored.push_back(s);
    }
    apart += *(*network)->measure(one, loss);
  }
  EXPECT_NEAR(*(*network)->measure(together, loss), apart, 1e-4);
}

TEST(CpuNetwork, AdamWIsTheSlowTwins) {
  const Config c = model::tiny_config(true, false);
  const Weights w = model::random_weights(c, 5);
  auto network = make_cpu_network(c, w, 1);
  ASSERT_TRUE(network);
  CrossEntropy loss;
  const Batch batch = small_batch(c);
  const AdamW adam;
  const std::string name = "model.layers.1.mlp.up_proj.weight";
  const size_t at = 17;
  double weight = w.find(name)->second.values[at], m = 0, v = 0;
  for (int t = 1; t <= 3; ++t) {
    ASSERT_TRUE((*network)->accumulate(batch, loss, 0.1));
    auto probe = make_cpu_network(c, (*network)->weights(), 1);
    ASSERT_TRUE((*probe)->accumulate(batch, loss, 0.1));
    AdamW plain;
    plain.beta1 = 0;
    (*probe)->update(plain, 0, 1);
    const double g = 0.5 * static_cast<double>((*probe)->snapshot().first.find(name)->second.values[at]);
    (*network)->update(adam, 0.01, 0.5);
    m = adam.beta1 * m + (1 - adam.beta1) * g;
    v = adam.beta2 * v + (1 - adam.beta2) * g * g;
    weight -= 0.01 * adam.decay * weight;
    weight -=
        0.01 * (m / (1 - std::pow(adam.beta1, t))) / (std::sqrt(v / (1 - std::pow(adam.beta2, t))) + adam.epsilon);
    EXPECT_NEAR((*network)->weights().find(name)->second.values[at], weight, 1e-6) << t;
  }
}

}  // namespace
}  // namespace stillwatch::training
