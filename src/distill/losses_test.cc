#include "distill/losses.h"

#include <gtest/gtest.h>

#include "distill/test_definitions.h"
#include "model/test_reference.h"
#include "training/cpu_network.h"

namespace stillwatch::distill {
namespace {

using Kind = Divergence::Kind;
using model::Config;
using model::Weights;
using training::Batch;
using training::Scored;

std::vector<Blend> blends(double temperature) {
  return {{{Kind::kForwardKl, 0.5, temperature}, 0},
          {{Kind::kForwardKl, 0.5, temperature}, 0.3},
          {{Kind::kReverseKl, 0.5, temperature}, 0},
          {{Kind::kReverseKl, 0.5, temperature}, 1},
          {{Kind::kJsd, 0.2, temperature}, 0.6}};
}

// Examples of uneven lengths in another order than their rows; the last is cut by the context.
Batch uneven_batch(const Config& c, const std::vector<uint64_t>& rows) {
  Batch batch;
  base::Random random(7);
  const size_t lengths[] = {9, 3, static_cast<size_t>(c.context) + 8};
  for (size_t i = 0; i < rows.size(); ++i) {
    model::Example e;
    for (size_t t = 0; t < lengths[i]; ++t) {
      e.tokens.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(c.vocab_size))));
      e.scored.push_back(t >= 2);
    }
    batch.add(e, rows[i], c.context);
  }
  return batch;
}

// Logits of every scored position, by the slow network.
std::vector<Doubles> slow_logits(const Config& c, const Weights& w, const Batch& batch) {
  std::vector<Doubles> out(batch.scored.size());
  for (size_t e = 0; e < batch.examples(); ++e) {
    const size_t begin = batch.starts[e];
    const auto rows =
        model::reference_logits(c, w, std::span(batch.tokens).subspan(begin, batch.starts[e + 1] - begin));
    for (size_t i = 0; i < out.size(); ++i) {
      if (batch.scored[i].example == e) out[i] = rows[batch.scored[i].position - begin];
    }
  }
  return out;
}

double data_loss(const Doubles& student, const Scored& s) {
  return -std::log(softmax(student, 1)[static_cast<size_t>(s.target)]);
}

double blended(const Blend& blend, const Doubles& teacher, const Doubles& student, const Scored& s) {
  const double t = blend.divergence.temperature;
  return (1 - blend.data_weight) * t * t * defined(blend.divergence, softmax(teacher, t), softmax(student, t)) +
         blend.data_weight * data_loss(student, s);
}

class Losses : public testing::Test {
 protected:
  Losses() : config_(model::tiny_config(true, false)) {
    config_.context = 20;
    batch_ = uneven_batch(config_, {2, 0, 1});
    student_ = model::random_weights(config_, 3);
  }

  // What the network makes of a loss is what `slow` says of the slow network's logits: the sum, and the gradients by
  // some of the weights.
  void expect_learns(training::Loss& loss, const std::function<double(const std::vector<Doubles>&)>& slow) {
    const double scale = 1.0 / static_cast<double>(batch_.scored.size());
    auto network = training::make_cpu_network(config_, student_, 2);
    ASSERT_TRUE(network);
    const auto sum = (*network)->accumulate(batch_, loss, scale);
    ASSERT_TRUE(sum) << sum.error().message;
    EXPECT_NEAR(*sum, slow(slow_logits(config_, student_, batch_)), 2e-4);
    training::AdamW adam;
    adam.beta1 = 0;  // the first moment is the gradient
    (*network)->update(adam, 0, 1);
    const Weights gradients = (*network)->snapshot().first;
    base::Random random(1);
    for (const char* name : {"model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight", "model.norm.weight"}) {
      model::Tensor& tensor = student_.find(name)->second;
      const std::vector<float>& gradient = gradients.find(name)->second.values;
      for (int probe = 0; probe < 3; ++probe) {
        const size_t i = random.below(tensor.values.size());
        const float before = tensor.values[i];
        tensor.values[i] = before + 1e-3F;
        const double up = tensor.values[i], above = slow(slow_logits(config_, student_, batch_));
        tensor.values[i] = before - 1e-3F;
        const double down = tensor.values[i], below = slow(slow_logits(config_, student_, batch_));
        tensor.values[i] = before;
        EXPECT_NEAR(gradient[i], (above - below) / (up - down) * scale, 3e-5 + 3e-4 * std::abs(gradient[i]))
            << name << " " << i;
      }
    }
  }

  Config config_;
  Batch batch_;
  Weights student_;
};

TEST_F(Losses, OfATeachersLogitsAreTheSlowTwins) {
  Config shape = config_;  // a teacher of another shape, with more context
  shape.dim = 16;
  shape.heads = 2;
  shape.context = 64;
  const Weights weights = model::random_weights(shape, 5);
  auto teacher = training::make_cpu_network(shape, weights, 1);
  ASSERT_TRUE(teacher);
  const std::vector<Doubles> truth = slow_logits(shape, weights, batch_);
  for (const double temperature : {1.0, 2.0}) {
    for (const Blend& blend : blends(temperature)) {
      LogitLoss loss(**teacher, blend);
      expect_learns(loss, [&](const std::vector<Doubles>& logits) {
        double sum = 0;
        for (size_t i = 0; i < logits.size(); ++i) sum += blended(blend, truth[i], logits[i], batch_.scored[i]);
        return sum;
      });
    }
  }
}

// Every row knows other tokens, another number of them at every place, and of some places nothing.
TEST_F(Losses, OfKnownTokensAreTheSlowTwins) {
  base::Random random(11);
  std::vector<KnownTokens> known(3);
  for (KnownTokens& row : known) {
    row.resize(15);  // the longest example has more
    for (TopTokens& top : row) {
      const uint64_t count = random.below(4);
      for (uint64_t k = 0; k < count; ++k)
        top.emplace_back(static_cast<int32_t>(5 * k + random.below(5)), static_cast<float>(-1.5 - random.uniform()));
    }
  }
  for (const Blend& blend : blends(1)) {
    TopLoss loss(known, blend);
    size_t unknown = 0;
    expect_learns(loss, [&](const std::vector<Doubles>& logits) {
      double sum = 0;
      unknown = 0;
      for (size_t i = 0; i < logits.size(); ++i) {
        const Scored& s = batch_.scored[i];
        const KnownTokens& row = known[batch_.rows[s.example]];
        const TopTokens top = s.offset < row.size() ? row[s.offset] : TopTokens{};
        if (top.empty()) {
          sum += data_loss(logits[i], s);
          ++unknown;
          continue;
        }
        // Outcomes: the known tokens, and all the rest.
        const Doubles all = softmax(logits[i], 1);
        Doubles p, q;
        double p_rest = 1, q_rest = 1;
        for (const auto& [token, logprob] : top) {
          p.push_back(std::exp(static_cast<double>(logprob)));
          q.push_back(all[static_cast<size_t>(token)]);
          p_rest -= p.back();
          q_rest -= q.back();
        }
        p.push_back(p_rest);
        q.push_back(q_rest);
        sum += (1 - blend.data_weight) * defined(blend.divergence, p, q) + blend.data_weight * data_loss(logits[i], s);
      }
      return sum;
    });
    EXPECT_GT(unknown, 3u);
    EXPECT_LT(unknown, batch_.scored.size());
  }
}

}  // namespace
}  // namespace stillwatch::distill
