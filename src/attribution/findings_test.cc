#include "attribution/findings.h"

#include <gmock/gmock.h>

#include <cmath>

namespace stillwatch::attribution {
namespace {

using testing::HasSubstr;

TestResult test(const char* name, double log10_p, bool supporting = false) {
  TestResult t;
  t.test = name;
  t.subject = "campaign:1";
  t.log10_p = log10_p;
  t.supporting = supporting;
  t.wrong_keys = WrongKeys{1000, 50, 10, 1, 0};
  t.clean = {{"clean", -0.5}};
  return t;
}

TEST(Conclude, SaysInconsistentWithChanceAndWhatElseWouldExplainIt) {
  const Findings f = conclude({test("radioactivity", -8), test("canaries", -1)}, 0.001);
  EXPECT_EQ(f.verdict, Verdict::kInconsistent);
  EXPECT_THAT(f.sentence, HasSubstr("inconsistent with chance at p = 2e-08 after correction for 2 tests"));
  std::string all = f.sentence;
  for (const std::string& c : f.caveats) all += c;
  EXPECT_THAT(all, HasSubstr("published"));
  for (const char* word : {"stolen", "steal", "theft", "guilty", "proves"}) EXPECT_EQ(all.find(word), all.npos) << word;
}

TEST(Conclude, CorrectsForTheNumberOfTests) {
  const Findings f = conclude({test("a", -3.2), test("b", -0.1), test("c", -0.2)}, 0.001);
  EXPECT_EQ(f.verdict, Verdict::kConsistent);
  EXPECT_NEAR(f.tests[0].holm, 3 * std::pow(10, -3.2), 1e-9);
  EXPECT_THAT(f.sentence, HasSubstr("does not show that it learnt nothing"));
}

TEST(Conclude, SupportingEvidenceNeverConvicts) {
  const Findings f = conclude({test("provenance", -50, true), test("canaries", -0.1)}, 0.001);
  EXPECT_EQ(f.verdict, Verdict::kConsistent);
  EXPECT_EQ(conclude({test("provenance", -50, true)}, 0.001).verdict, Verdict::kNothingTested);
  EXPECT_EQ(conclude({}, 0.001).verdict, Verdict::kNothingTested);
}

TEST(Conclude, SaysNothingWhenAControlFails) {
  TestResult clean = test("radioactivity", -20);
  clean.clean = {{"honest", -0.2}, {"too alike", -6}};
  const Findings f = conclude({clean}, 0.001);
  EXPECT_EQ(f.verdict, Verdict::kControlsFailed);
  EXPECT_THAT(f.sentence, HasSubstr("the clean model too alike"));
  TestResult keys = test("radioactivity", -20);
  keys.wrong_keys = WrongKeys{1000, 150, 10, 1, 0};
  EXPECT_EQ(conclude({keys}, 0.001).verdict, Verdict::kControlsFailed);
}

TEST(Conclude, SpeaksOfPValuesBelowTheSmallestNumber) {
  EXPECT_THAT(conclude({test("a", -500)}, 0.001).sentence, HasSubstr("below 1e-300"));
}

}  // namespace
}  // namespace stillwatch::attribution
