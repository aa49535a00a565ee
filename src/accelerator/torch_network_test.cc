#include "accelerator/torch_network.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "model/test_reference.h"
#include "training/cpu_network.h"

namespace stillwatch::accelerator {
namespace {

using training::Batch;
using training::Network;

Batch small_batch(const model::Config& c) {
  Batch batch;
  base::Random random(7);
  for (const size_t length : {9, 2, 17}) {
    model::Example e;
    for (size_t i = 0; i < length; ++i) {
      e.tokens.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(c.vocab_size))));
      e.scored.push_back(i >= 2);
    }
    batch.add(e, 0, c.context);
  }
  return batch;
}

// The same as CrossEntropy, but not known to be it.
class OtherLoss final : public training::Loss {
 public:
  float row(const Batch& batch, size_t index, std::span<float> logits) const override {
    return plain_.row(batch, index, logits);
  }

 private:
  training::CrossEntropy plain_;
};

double distance(const model::Weights& a, const model::Weights& b) {
  double worst = 0;
  for (const auto& [name, t] : a) {
    for (size_t i = 0; i < t.values.size(); ++i)
      worst = std::max(worst, std::abs(static_cast<double>(t.values[i]) - b.find(name)->second.values[i]));
  }
  return worst;
}

TEST(TorchNetwork, LearnsAsTheHandWrittenOne) {
  for (const bool plain : {true, false}) {
    const model::Config c = model::tiny_config(plain, !plain);
    const model::Weights w = model::random_weights(c, 3);
    const Batch batch = small_batch(c);
    auto ours = training::make_cpu_network(c, w, 1);
    auto torchs = make_torch_network(c, w, {});
    ASSERT_TRUE(ours);
    ASSERT_TRUE(torchs) << torchs.error().message;
    const double scale = 1.0 / static_cast<double>(batch.scored.size());
    training::CrossEntropy known;
    OtherLoss other;
    for (int step = 0; step < 3; ++step) {
      training::Loss& loss = step == 1 ? static_cast<training::Loss&>(other) : known;
      const auto a = (*ours)->accumulate(batch, loss, scale), b = (*torchs)->accumulate(batch, loss, scale);
      ASSERT_TRUE(a && b);
      EXPECT_NEAR(*a, *b, 1e-4);
      EXPECT_NEAR((*ours)->gradient_norm(), (*torchs)->gradient_norm(), 1e-4);
      (*ours)->update({}, 1e-3, 0.5);
      (*torchs)->update({}, 1e-3, 0.5);
      const training::Snapshot x = (*ours)->snapshot(), y = (*torchs)->snapshot();
      EXPECT_LT(distance(x.first, y.first), 1e-5);
      EXPECT_LT(distance(x.second, y.second), 1e-5);
      EXPECT_EQ(x.updates, y.updates);
    }
    // From the same state they go on alike.
    ASSERT_TRUE((*torchs)->restore((*ours)->snapshot()));
    EXPECT_NEAR(*(*ours)->measure(batch, known), *(*torchs)->measure(batch, known), 1e-4);
    std::vector<float> first;
    ASSERT_TRUE((*ours)->predict(
        batch, [&](size_t, std::span<const float> row) { first.insert(first.end(), row.begin(), row.end()); }));
    size_t at = 0;
    ASSERT_TRUE((*torchs)->predict(batch, [&](size_t, std::span<const float> row) {
      for (const float v : row) EXPECT_NEAR(v, first[at++], 1e-4);
    }));
    EXPECT_EQ(at, first.size());
  }
}

TEST(TorchNetwork, ShortNumbersAreNear) {
  const model::Config c = model::tiny_config(true, false);
  const model::Weights w = training::initial_weights(c, 3);
  const Batch batch = small_batch(c);
  auto exact = make_torch_network(c, w, {});
  auto rough = make_torch_network(c, w, {"cpu", true, 1});
  ASSERT_TRUE(exact && rough);
  training::CrossEntropy loss;
  EXPECT_NEAR(*(*rough)->accumulate(batch, loss, 1), *(*exact)->accumulate(batch, loss, 1), 0.3);
  EXPECT_NEAR((*rough)->gradient_norm() / (*exact)->gradient_norm(), 1, 0.05);
}

TEST(TorchNetwork, SaysWhatDeviceIsNotThere) {
  const model::Config c = model::tiny_config(true, false);
  const auto network = make_torch_network(c, model::random_weights(c, 1), {"nonsense", false, 1});
  ASSERT_FALSE(network);
  EXPECT_NE(network.error().message.find("--device nonsense cannot be used"), std::string::npos);
}

}  // namespace
}  // namespace stillwatch::accelerator
