#include "attribution/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "stats/binomial.h"
#include "stats/multiple.h"

namespace stillwatch::attribution {
namespace {

constexpr std::string_view kNames[] = {"nothing-tested", "consistent-with-chance", "inconsistent-with-chance",
                                       "controls-failed"};

// Wrong keys reject more often than they say, or a clean model is found.
std::string failed_control(const TestResult& t, double level) {
  if (t.wrong_keys) {
    const std::pair<uint64_t, double> counts[] = {
        {t.wrong_keys->below_05, 0.05}, {t.wrong_keys->below_01, 0.01}, {t.wrong_keys->below_001, 0.001}};
    constexpr double kBeyondChance = 1e-6;
    for (const auto& [below, a] : counts) {
      if (stats::binomial_tail(below, t.wrong_keys->count, a) < kBeyondChance)
        return fmt::format("{} of {} keys that marked nothing have p <= {}", below, t.wrong_keys->count, a);
    }
  }
  for (const CleanModel& model : t.clean) {
    if (std::pow(10, model.log10_p) <= level / static_cast<double>(t.clean.size()))
      return fmt::format("the clean model {} has p = {:.2g}", model.name, std::pow(10, model.log10_p));
  }
  return {};
}

std::string p_text(double p) {
  return p < 1e-300 ? "below 1e-300" : fmt::format("{:.2g}", p);
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  return kNames[static_cast<size_t>(verdict)];
}

double TestResult::p() const {
  return std::pow(10, log10_p);
}

Findings conclude(std::vector<TestResult> tests, double level) {
  Findings f;
  f.level = level;
  std::vector<double> p;
  for (const TestResult& t : tests) {
    if (!t.supporting) p.push_back(t.p());
  }
  const std::vector<double> adjusted = stats::holm(p);
  auto next = adjusted.begin();
  const TestResult* strongest = nullptr;
  std::string failed;
  for (TestResult& t : tests) {
    t.holm = t.supporting ? t.p() : *next++;
    if (failed.empty() && !t.supporting) {
      const std::string why = failed_control(t, level);
      if (!why.empty()) failed = fmt::format("{} ({}): {}", t.test, t.subject, why);
    }
    if (!t.supporting && (strongest == nullptr || t.log10_p < strongest->log10_p)) strongest = &t;
  }
  if (strongest == nullptr) {
    f.sentence = "Nothing was tested: give evidence, and texts of the suspect that it applies to.";
  } else if (!failed.empty()) {
    f.verdict = Verdict::kControlsFailed;
    f.sentence = fmt::format("No conclusion: a control fails as the suspect might. {}.", failed);
  } else if (strongest->holm <= level) {
    f.verdict = Verdict::kInconsistent;
    f.sentence = fmt::format(
        "What the suspect says is inconsistent with chance at p = {} after correction for {} test{} ({}, {}).",
        p_text(strongest->holm), p.size(), p.size() == 1 ? "" : "s", strongest->test, strongest->subject);
  } else {
    f.verdict = Verdict::kConsistent;
    f.sentence = fmt::format(
        "What the suspect says is consistent with chance: the smallest p after correction for {} test{} is {}, above "
        "the "
        "level of {}. This does not show that it learnt nothing from these answers.",
        p.size(), p.size() == 1 ? "" : "s", p_text(strongest->holm), level);
  }
  if (f.verdict == Verdict::kInconsistent) {
    f.caveats = {
        "A small p-value says that texts without any dependence on the marked answers would look like this that "
        "rarely. It "
        "is not the chance that the suspect is innocent.",
        "It does not say how the answers reached the suspect: marked texts that were published, sold or shared, and "
        "learnt from there, would explain it too, as would a suspect that learnt from another model that learnt from "
        "them.",
        "It does not say how much of what the suspect can do came from these answers.",
        "It holds as far as the evidence was written as it happened and the keys were secret: whoever knows a key can "
        "write texts that pass."};
  }
  f.tests = std::move(tests);
  return f;
}

}  // namespace stillwatch::attribution
