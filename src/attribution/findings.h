// What an attribution found: tests with their nulls, controls and figures, and a verdict that says no more than they
// do.
//
// The question is one: was this suspect trained on what we served? Every p-value is exact or by permutation, holds
// P(p <= a) <= a under the null that stands beside it, and is corrected for the number of tests (Holm). Every test is
// run on controls too: keys that marked nothing, models that learnt nothing from us. Plain values. Thread rule: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attribution/samples.h"
#include "base/error.h"

namespace stillwatch::attribution {

// How the same test does under keys that nothing was ever marked with.
struct WrongKeys {
  uint64_t count = 0;
  uint64_t below_05 = 0;   // p <= 0.05
  uint64_t below_01 = 0;   // p <= 0.01
  uint64_t below_001 = 0;  // p <= 0.001
  uint64_t as_small = 0;   // p at most the suspect's
};

// How it does on a model that learnt nothing from us.
struct CleanModel {
  std::string name;
  double log10_p = 0;
};

struct Figure {
  std::string name;
  double value = 0;
};

struct TestResult {
  std::string test;         // as docs/attribution.md names them
  std::string subject;      // label of a mark or pool, name of an account or of a parent
  std::string null;         // what chance would be, as a sentence
  bool supporting = false;  // never enters the verdict
  double log10_p = 0;
  double holm = 1;              // p after correction, among the tests that are not supporting
  std::vector<Figure> figures;  // enough to recompute the p-value
  std::optional<WrongKeys> wrong_keys;
  std::vector<CleanModel> clean;
  std::string note;  // "" or what limits it

  double p() const;
};

// Samples of a model by name: of a control, a parent or a clean model.
struct Model {
  std::string name;
  std::vector<Sample> samples;
};

enum class Verdict : uint8_t {
  kNothingTested,
  kConsistent,      // with chance
  kInconsistent,    // with chance, at the level
  kControlsFailed,  // the controls look like the suspect: nothing can be said
};
std::string_view name_of(
    Verdict verdict);  // nothing-tested, consistent-with-chance, inconsistent-with-chance, controls-failed

struct Findings {
  double level = 0.001;
  std::vector<TestResult> tests;
  Verdict verdict = Verdict::kNothingTested;
  std::string sentence;              // the verdict for people
  std::vector<std::string> caveats;  // what else would explain it, and what it does not show
};

// Corrects, checks the controls, and puts the verdict into words.
Findings conclude(std::vector<TestResult> tests, double level);

}  // namespace stillwatch::attribution
