// Held against definitions in double precision through whole networks: a teacher's view that is one position off, or of
// another row, shows here.
#include "distill/losses.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>

#include "distill/test_definitions.h"
#include "model/test_reference.h"
#include "training/cpu_network.h"

namespace stillwatch::distill {
namespace {

using Kind = Divergence::Kind;
using model::Row;
using model::Weights;
using test::defined;
using test::softmax;
using training::Batch;

const model::Config kShape = model::tiny_config(true, false);

// Rows of uneven lengths, scored from the third token on; row 1 comes last, and row 3 is left out.
const std::vector<model::Example>& examples() {
  static const std::vector<model::Example> all = [] {
    std::vector<model::Example> out;
    base::Random random(7);
    for (const size_t length : {9, 17, 3, 11}) {
      model::Example e;
      for (size_t i = 0; i < length; ++i) {
        e.tokens.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(kShape.vocab_size))));
        e.scored.push_back(i >= 2);
      }
      out.push_back(std::move(e));
    }
    return out;
  }();
  return all;
}

Batch batch() {
  Batch b;
  for (const uint64_t row : {2, 0, 1}) b.add(examples()[row], row, kShape.context);
  return b;
}

// The sum over all that is scored, position by position from the examples themselves.
using AtPosition = std::function<double(uint64_t row, size_t target, const Row& student)>;
double slow_sum(const Weights& student, const AtPosition& at) {
  double sum = 0;
  for (const uint64_t row : {2, 0, 1}) {
    const model::Example& e = examples()[row];
    const auto logits = model::reference_logits(kShape, student, e.tokens);
    for (size_t t = 1; t < e.tokens.size(); ++t) {
      if (e.scored[t]) sum += at(row, t, logits[t - 1]);
    }
  }
  return sum;
}

double cross_entropy(uint64_t row, size_t target, const Row& student) {
  return -std::log(softmax(student)[static_cast<size_t>(examples()[row].tokens[target])]);
}

// Loss and gradients of the network against the slow sum and its differences.
void expect_same(training::Loss& loss, const AtPosition& at) {
  Weights student = model::random_weights(kShape, 3);
  auto network = training::make_cpu_network(kShape, student, 2);
  ASSERT_TRUE(network);
  const auto sum = (*network)->accumulate(batch(), loss, 1);
  ASSERT_TRUE(sum) << sum.error().message;
  EXPECT_NEAR(*sum, slow_sum(student, at), 3e-4);
  EXPECT_NEAR(*(*network)->measure(batch(), loss), *sum, 1e-5);
  // With beta1 = 0 the first moment is the gradient.
  training::AdamW adam;
  adam.beta1 = 0;
  (*network)->update(adam, 0, 1);
  const Weights gradients = (*network)->snapshot().first;
  base::Random random(1);
  for (auto& [name, tensor] : student) {
    const model::Tensor& gradient = gradients.find(name)->second;
    for (int probe = 0; probe < 2; ++probe) {
      const size_t i = random.below(tensor.values.size());
      const float before = tensor.values[i];
      tensor.values[i] = before + 1e-3F;
      const double up = tensor.values[i], above = slow_sum(student, at);
      tensor.values[i] = before - 1e-3F;
      const double down = tensor.values[i], below = slow_sum(student, at);
      tensor.values[i] = before;
      const double slope = (above - below) / (up - down);
      EXPECT_NEAR(gradient.values[i], slope, 1e-3 + 1e-3 * std::abs(slope)) << name << " " << i;
    }
  }
}

std::vector<Blend> blends() {
  return {{{Kind::kForwardKl, 0, 1}, 0},
          {{Kind::kForwardKl, 0, 2}, 0.3},
          {{Kind::kReverseKl, 0, 1}, 0},
          {{Kind::kJsd, 0.2, 1.5}, 0.5}};
}

TEST(LogitLoss, IsTheDivergenceAtEveryScoredPosition) {
  const Weights of_teacher = model::random_weights(kShape, 11);
  auto teacher = training::make_cpu_network(kShape, of_teacher, 2);
  ASSERT_TRUE(teacher);
  std::vector<std::vector<Row>> view;
  for (const model::Example& e : examples()) view.push_back(model::reference_logits(kShape, of_teacher, e.tokens));
  for (const Blend& blend : blends()) {
    LogitLoss loss(**teacher, blend);
    expect_same(loss, [&](uint64_t row, size_t target, const Row& student) {
      const double t = blend.divergence.temperature;
      const double d = t * t * defined(blend.divergence, softmax(view[row][target - 1], t), softmax(student, t));
      return (1 - blend.data_weight) * d + blend.data_weight * cross_entropy(row, target, student);
    });
  }
}

TEST(TopLoss, TakesWhatIsKnownOfItsRowAndTheTokenWhereNothingIs) {
  const Weights of_teacher = model::random_weights(kShape, 11);
  constexpr size_t kKnown = 4;
  std::vector<KnownTokens> known;
  std::vector<std::vector<Row>> view;
  for (const model::Example& e : examples()) {
    view.push_back(model::reference_logits(kShape, of_teacher, e.tokens));
    KnownTokens row(e.tokens.size());
    for (size_t t = 1; t < e.tokens.size(); ++t) {
      if (t % 3 == 0) continue;  // a mark, say
      const Row p = softmax(view.back()[t - 1]);
      for (size_t i = 0; i < kKnown; ++i) row[t].emplace_back(static_cast<int32_t>(i), std::log(p[i]));
    }
    known.push_back(std::move(row));
  }
  const auto coarse = [&](const Row& p) {
    Row out(p.begin(), p.begin() + kKnown);
    out.push_back(0);
    for (size_t i = kKnown; i < p.size(); ++i) out.back() += p[i];
    return out;
  };
  for (Blend blend : blends()) {
    blend.divergence.temperature = 1;
    TopLoss loss(known, blend);
    expect_same(loss, [&](uint64_t row, size_t target, const Row& student) {
      const double token = cross_entropy(row, target, student);
      if (target % 3 == 0) return token;
      const double d = defined(blend.divergence, coarse(softmax(view[row][target - 1])), coarse(softmax(student)));
      return (1 - blend.data_weight) * d + blend.data_weight * token;
    });
  }
}

TEST(LogitLoss, VanishesForAStudentThatIsTheTeacher) {
  const Weights w = model::random_weights(kShape, 3);
  auto teacher = training::make_cpu_network(kShape, w, 1), student = training::make_cpu_network(kShape, w, 1);
  LogitLoss loss(**teacher, {});
  EXPECT_NEAR(*(*student)->accumulate(batch(), loss, 1), 0, 1e-4);
  EXPECT_NEAR((*student)->gradient_norm(), 0, 1e-4);
}

TEST(LogitLoss, RefusesABatchWhoseLogitsTakeTooMuchMemory) {
  model::Config wide = kShape;
  wide.vocab_size = 1 << 14;
  auto teacher = training::make_cpu_network(wide, training::initial_weights(wide, 1), 1);
  ASSERT_TRUE(teacher);
  LogitLoss loss(**teacher, {});
  Batch b;
  b.scored.resize(kTeacherBytesMax / sizeof(float) / (1 << 14) + 1);
  const auto refused = loss.prepare(b);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("lower `batch_tokens`"));
}

}  // namespace
}  // namespace stillwatch::distill
