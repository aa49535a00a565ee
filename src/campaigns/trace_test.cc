#include "campaigns/trace.h"

#include <gtest/gtest.h>

#include <cmath>

namespace stillwatch::campaigns {
namespace {

using features::Features;
using features::Kind;

// `turned`: the other manner belongs to each of two topics.
profile::Summary of_two_topics(bool turned) {
  profile::Summary s;
  for (int i = 0; i < 40; ++i) {
    Features f;
    f.answered = f.meaningful = true;
    f.prompt_words = 20;
    features::Embedding e{};
    e[i % 2] = features::kEmbeddingScale;
    f.spectrum = features::spectrum_of(e);
    f.kinds = 1u << static_cast<int>((i % 2 == 1) == turned ? Kind::kInstruction : Kind::kPersonal);
    s.add(f);
  }
  return s;
}

TEST(Trace, TellsWhichTopicGoesWithWhichManner) {
  const Trace x = Trace::of("x", of_two_topics(false));
  const Trace y = Trace::of("y", of_two_topics(true));
  double joint = 0, apart = 0;
  for (size_t i = 0; i < kCoordinates; ++i) {
    const double difference = std::abs(static_cast<double>(x.mean[i]) - static_cast<double>(y.mean[i]));
    (i >= features::kSpectrumSize && i < 2 * features::kSpectrumSize ? joint : apart) += difference;
  }
  EXPECT_EQ(apart, 0);
  EXPECT_GT(joint, 10);
}

TEST(Trace, CountsNoPromptsWhoseJointSpectrumIsNotKnown) {
  profile::Summary s = of_two_topics(false);
  EXPECT_EQ(Trace::of("x", s).exchanges, 40u);
  s.jointly = 15;
  EXPECT_EQ(Trace::of("x", s).exchanges, 15u);
  s.jointly = profile::kJointlyMax + 1;
  EXPECT_EQ(Trace::of("x", s).exchanges, 0u);
}

}  // namespace
}  // namespace stillwatch::campaigns
