#include "attribution/provenance.h"

#include <gmock/gmock.h>

#include <cmath>

#include "watermark/test_text.h"

namespace stillwatch::attribution {
namespace {

// Models have habits, some in common; a student takes a share of its parent's answers over.
Model model(const std::string& name, uint64_t seed, size_t prompts, const Model* parent = nullptr, double share = 0) {
  const watermark::TestLanguage language(seed < 10 ? seed : seed % 3, 0.3, 60);
  base::Random random(seed);
  Model m{name, {}};
  for (size_t i = 0; i < prompts; ++i) {
    Sample s;
    s.prompt = "prompt " + std::to_string(i);
    s.answer = parent != nullptr && random.chance(share) ? parent->samples[i].answer + " and so on"
                                                         : language.text(30, random, i);
    m.samples.push_back(s);
  }
  return m;
}

TEST(Provenance, FindsTheParent) {
  const Model parent = model("parent", 1, 200);
  const Model student = model("student", 2, 200, &parent, 0.3);
  const Model controls[] = {model("c1", 3, 200), model("c2", 4, 200), model("c3", 5, 200)};
  const auto t = provenance(student.samples, parent, controls);
  ASSERT_TRUE(t);
  EXPECT_LT(t->log10_p, -4);
  EXPECT_TRUE(t->supporting);
  const auto unrelated = provenance(student.samples, controls[0], std::vector{parent, controls[1], controls[2]});
  ASSERT_TRUE(unrelated);
  EXPECT_GT(unrelated->p(), 0.05);
}

TEST(Provenance, IsValidForUnrelatedModels) {
  constexpr int kWorlds = 400;
  int below = 0;
  int below_one = 0;
  for (uint64_t i = 0; i < kWorlds; ++i) {
    const Model models[] = {model("a", 10 * i + 10, 40), model("b", 10 * i + 11, 40), model("c", 10 * i + 12, 40),
                            model("d", 10 * i + 13, 40)};
    const auto t = provenance(models[0].samples, models[1], std::span(models).subspan(2));
    ASSERT_TRUE(t);
    below += t->p() <= 0.1;
    below_one += t->p() <= 0.01;
  }
  EXPECT_LE(below, 0.1 * kWorlds + 4 * std::sqrt(0.1 * kWorlds));
  EXPECT_LE(below_one, 0.01 * kWorlds + 4 * std::sqrt(0.01 * kWorlds));
}

TEST(Provenance, NeedsControlsAndCommonPrompts) {
  const Model parent = model("parent", 1, 5);
  const Model one[] = {model("c1", 3, 5)};
  EXPECT_FALSE(provenance(parent.samples, parent, one));
  const Model none[] = {{"c1", {}}, {"c2", {}}};
  const auto t = provenance(parent.samples, parent, none);
  ASSERT_FALSE(t);
  EXPECT_THAT(t.error().message, testing::HasSubstr("no prompt"));
}

}  // namespace
}  // namespace stillwatch::attribution
