#include "distill/divergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/random.h"
#include "distill/test_definitions.h"

namespace stillwatch::distill {
namespace {

using Kind = Divergence::Kind;
using test::defined;
using test::Doubles;
using test::softmax;

// The first `known` outcomes as they are, all others as one.
Doubles coarsened(const Doubles& p, size_t known) {
  Doubles out(p.begin(), p.begin() + static_cast<std::ptrdiff_t>(known));
  double rest = 0;
  for (size_t i = known; i < p.size(); ++i) rest += p[i];
  out.push_back(rest);
  return out;
}

Doubles gradient_of(const std::function<double(const Doubles&)>& f, Doubles at) {
  Doubles gradient;
  for (double& x : at) {
    const double h = 1e-5, before = x;
    x = before + h;
    const double up = f(at);
    x = before - h;
    gradient.push_back((up - f(at)) / (2 * h));
    x = before;
  }
  return gradient;
}

constexpr size_t kTokens = 9;

struct Case {
  Doubles teacher, student;
  explicit Case(uint64_t seed) {
    base::Random random(seed);
    for (size_t i = 0; i < kTokens; ++i) {
      teacher.push_back(3 * random.normal());
      student.push_back(3 * random.normal());
    }
  }
};

std::vector<float> floats(const Doubles& d) {
  return {d.begin(), d.end()};
}

std::vector<Divergence> all() {
  std::vector<Divergence> out;
  for (const double temperature : {1.0, 2.5}) {
    out.push_back({Kind::kForwardKl, 0, temperature});
    out.push_back({Kind::kReverseKl, 0, temperature});
    for (const double beta : {0.1, 0.5, 0.9}) out.push_back({Kind::kJsd, beta, temperature});
  }
  return out;
}

TEST(Divergence, IsWhatItsDefinitionSays) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Case c(seed);
    for (const Divergence& d : all()) {
      const Doubles p = softmax(c.teacher, d.temperature);
      const auto slow = [&](const Doubles& student) {
        return d.temperature * d.temperature * defined(d, p, softmax(student, d.temperature));
      };
      std::vector<float> row = floats(c.student);
      EXPECT_NEAR(diverge(d, floats(c.teacher), row), slow(c.student), 2e-5);
      const Doubles gradient = gradient_of(slow, c.student);
      for (size_t i = 0; i < kTokens; ++i) EXPECT_NEAR(row[i], gradient[i], 3e-5);
    }
  }
}

TEST(Divergence, OfTopTokensTakesTheRestAsOne) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Case c(seed);
    const Doubles p = softmax(c.teacher, 1);
    for (const Divergence& d : all()) {
      if (d.temperature != 1) continue;
      for (const size_t known : {0u, 1u, 4u, 8u}) {
        TopTokens top;
        for (size_t i = 0; i < known; ++i)
          top.emplace_back(static_cast<int32_t>(i), static_cast<float>(std::log(p[i])));
        const auto slow = [&](const Doubles& student) {
          return defined(d, coarsened(p, known), coarsened(softmax(student, 1), known));
        };
        std::vector<float> row = floats(c.student);
        EXPECT_NEAR(diverge(d, top, row), slow(c.student), 2e-5) << known;
        const Doubles gradient = gradient_of(slow, c.student);
        for (size_t i = 0; i < kTokens; ++i) EXPECT_NEAR(row[i], gradient[i], 3e-5) << known;
      }
    }
  }
}

TEST(Divergence, OfTopTokensNeverExceedsTheWhole) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Case c(seed);
    const Doubles p = softmax(c.teacher, 1);
    for (const Divergence& d : all()) {
      if (d.temperature != 1) continue;
      float before = 0;
      TopTokens top;
      for (size_t i = 0; i < kTokens; ++i) {
        std::vector<float> row = floats(c.student);
        const float now = diverge(d, top, row);
        EXPECT_GE(now, before - 1e-5F);
        before = now;
        top.emplace_back(static_cast<int32_t>(i), static_cast<float>(std::log(p[i])));
      }
      std::vector<float> whole = floats(c.student);
      EXPECT_NEAR(diverge(d, floats(c.teacher), whole), before, 1e-3);
    }
  }
}

TEST(Divergence, VanishesWithItsGradientWhereBothAgree) {
  const Case c(1);
  for (const Divergence& d : all()) {
    std::vector<float> row = floats(c.teacher);
    for (float& x : row) x += 4;  // a constant changes no distribution
    EXPECT_NEAR(diverge(d, floats(c.teacher), row), 0, 1e-5);
    for (const float g : row) EXPECT_NEAR(g, 0, 1e-5);
  }
}

TEST(Divergence, OfTopTokensDoesNotPullTheRestToZero) {
  // A student that agrees on what is known, whatever it makes of the rest, is left alone. Renormalising would not.
  const Case c(2);
  const Doubles p = softmax(c.teacher, 1);
  TopTokens top;
  for (size_t i = 0; i < 3; ++i) top.emplace_back(static_cast<int32_t>(i), static_cast<float>(std::log(p[i])));
  std::vector<float> row = floats(c.teacher);
  std::swap(row[5], row[7]);
  EXPECT_NEAR(diverge({}, top, row), 0, 1e-5);
  for (const float g : row) EXPECT_NEAR(g, 0, 1e-5);
}

TEST(Divergence, StaysFiniteWhereOneSideIsCertain) {
  for (const Divergence& d : all()) {
    std::vector<float> row = {0, 200, 0};
    EXPECT_TRUE(std::isfinite(diverge(d, std::vector<float>{200, 0, 0}, row)));
    for (const float g : row) EXPECT_TRUE(std::isfinite(g));
    if (d.temperature != 1) continue;
    row = {0, 200, 0};
    EXPECT_TRUE(std::isfinite(diverge(d, TopTokens{{0, 0.0F}}, row)));
    for (const float g : row) EXPECT_TRUE(std::isfinite(g));
  }
}

}  // namespace
}  // namespace stillwatch::distill
