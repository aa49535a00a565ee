// Traffic for the tests of this module.
#pragma once

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "pipeline/pipeline.h"

namespace stillwatch::pipeline {

using features::Features;
using features::Kind;
using features::Trait;

// A world of topics; accounts have a few of them and a manner of their own. Harvesters ask everything once, in the same
// impersonal manner, from a slightly different world.
class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {
    for (auto& topic : topics_) {
      for (double& x : topic) x = random_.normal();
    }
    for (double& x : foreign_) x = random_.normal();
  }

  struct Account {
    std::string name;
    double focus = 0.5;  // share of the main topic
    size_t topic = 0;
    double personal = 0.3, follow_up = 0.1, history = 0.4, capital = 0.6, length = 4, spread = 1.2, repeats = 0.05;
    double foreign = 0;  // how far its prompts lean out of the world
    int64_t start_ms = 0;
  };

  Account honest() {
    Account a;
    a.name = "account-" + std::to_string(random_.bits());
    a.focus = 0.2 + 0.5 * random_.uniform();
    a.topic = random_.below(topics_.size());
    a.personal = std::clamp(0.35 + 0.15 * random_.normal(), 0.02, 0.95);
    a.follow_up = std::clamp(0.1 + 0.05 * random_.normal(), 0.0, 0.5);
    a.history = std::clamp(0.4 + 0.2 * random_.normal(), 0.0, 0.9);
    a.capital = std::clamp(0.5 + 0.2 * random_.normal(), 0.05, 0.95);
    a.length = 4 + 0.5 * random_.normal();
    a.repeats = 0.1 * random_.uniform();
    return a;
  }

  Account harvester() {
    Account a = honest();
    a.focus = 0;
    a.personal = 0.02;
    a.follow_up = 0;
    a.history = 0;
    a.capital = 0.97;
    a.spread = 0.4;
    a.repeats = 0;
    a.foreign = 0.8;
    return a;
  }

  Features ask(const Account& a, int64_t i) {
    Features f;
    f.time = base::from_ms(1'772'409'600'000 + i * 3'600'000);
    f.answered = f.meaningful = true;
    const size_t topic = random_.chance(a.focus) ? a.topic : random_.below(topics_.size());
    std::array<double, features::kEmbeddingSize> x;
    double norm = 0;
    for (size_t d = 0; d < x.size(); ++d) {
      x[d] = topics_[topic][d] + 1.2 * random_.normal() + a.foreign * foreign_[d];
      norm += x[d] * x[d];
    }
    features::Embedding e;
    for (size_t d = 0; d < x.size(); ++d)
      e[d] = static_cast<int16_t>(features::kEmbeddingScale * x[d] / std::sqrt(norm));
    f.spectrum = features::spectrum_of(e);
    f.cell = features::cell_of(e);
    f.prompt = random_.chance(a.repeats) ? 12345 : random_.bits();
    f.opening = random_.bits();
    f.closing = random_.bits();
    f.shingle_count = 2;
    f.shingles[0] = random_.bits();
    f.shingles[1] = random_.bits();
    f.prompt_words = static_cast<uint32_t>(std::exp2(std::clamp(a.length + a.spread * random_.normal(), 0.0, 12.0)));
    f.output_tokens = static_cast<uint32_t>(std::exp2(std::clamp(7 + random_.normal(), 0.0, 12.0)));
    const auto set = [&](auto& bits, auto what, double chance) {
      bits |= static_cast<uint32_t>(random_.chance(chance)) << static_cast<int>(what);
    };
    set(f.kinds, Kind::kPersonal, a.personal);
    set(f.kinds, Kind::kFollowUp, a.follow_up);
    set(f.kinds, Kind::kInstruction, a.foreign > 0 ? 0.7 : 0.1);
    set(f.traits, Trait::kHistory, a.history);
    set(f.traits, Trait::kCapitalStart, a.capital);
    set(f.traits, Trait::kTerminalEnd, a.capital);
    return f;
  }

  void fill(Pipeline& pipeline, const Account& a, int64_t exchanges) {
    for (int64_t i = 0; i < exchanges; ++i) pipeline.observe(a.name, "", ask(a, i % 600));
  }

 private:
  base::Random random_;
  std::array<std::array<double, features::kEmbeddingSize>, 24> topics_;
  std::array<double, features::kEmbeddingSize> foreign_;
};

inline int64_t volume(int i) {
  return 25 + (i * 37) % 200;
}

inline std::shared_ptr<const signals::Baseline> calibrated_on(World& world, int accounts) {
  Pipeline pipeline(nullptr, {}, {});
  for (int i = 0; i < accounts; ++i) world.fill(pipeline, world.honest(), volume(i));
  auto baseline = pipeline.calibrate();
  EXPECT_TRUE(baseline) << (baseline ? "" : baseline.error().message);
  return std::make_shared<const signals::Baseline>(std::move(*baseline));
}

}  // namespace stillwatch::pipeline
