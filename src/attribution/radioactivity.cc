#include "attribution/radioactivity.h"

#include "watermark/detect.h"
#include "watermark/embed.h"

namespace stillwatch::attribution {

namespace wm = watermark;

wm::Windows windows_of(std::span<const Sample> samples, const wm::MarkEvidence& mark, const wm::Filter* filter) {
  wm::Windows windows(mark.mark.context, filter);
  for (const Sample& s : samples) {
    if (mark.units == wm::Units::kTokens) {
      windows.add(wm::units_of(s.tokens), wm::units_of(s.prompt_tokens));
    } else {
      windows.add_text(s.answer, s.prompt);
    }
  }
  return windows;
}

TestResult test_windows(const wm::Key& key, const wm::Mark& mark, const wm::Windows& windows, uint64_t wrong_keys) {
  TestResult t;
  const wm::Detection d = wm::detect(key, mark, windows);
  t.log10_p = d.log10_p;
  const auto figure = [&](const char* name, auto value) { t.figures.push_back({name, static_cast<double>(value)}); };
  figure("windows", d.windows);
  figure("score", d.score);
  figure("expected", d.expected);
  figure("z", d.z);
  const wm::Windows::Counts& c = windows.counts();
  figure("texts", c.texts);
  figure("units", c.units);
  figure("repeated", c.repeated);
  figure("prompted", c.prompted);
  figure("filtered", c.filtered);
  figure("quoting", c.quoting);
  figure("beyond", c.beyond);
  if (d.windows == 0) t.note = "no window is left to count: nothing can be said";
  if (wrong_keys == 0) return t;
  WrongKeys w;
  w.count = wrong_keys;
  for (uint64_t i = 0; i < wrong_keys; ++i) {
    const wm::Detection wrong = wm::detect(wm::control_key(i), mark, windows);
    w.below_05 += wrong.p() <= 0.05;
    w.below_01 += wrong.p() <= 0.01;
    w.below_001 += wrong.p() <= 0.001;
    w.as_small += wrong.log10_p <= d.log10_p;
  }
  t.wrong_keys = w;
  return t;
}

std::vector<TestResult> radioactivity(const wm::Key& key, const wm::MarkEvidence& mark, std::span<const Sample> suspect,
                                      std::span<const Model> clean, uint64_t wrong_keys) {
  std::vector<TestResult> results;
  for (const wm::Filter* filter : {static_cast<const wm::Filter*>(nullptr), &mark.filter}) {
    if (filter != nullptr && filter->size() == 0) continue;
    TestResult t = test_windows(key, mark.mark, windows_of(suspect, mark, filter), wrong_keys);
    t.test = filter == nullptr ? "radioactivity" : "radioactivity-filtered";
    t.subject = mark.label;
    t.null = filter == nullptr ? "the suspect's texts do not depend on the key of this mark, given their prompts"
                               : "the same, in the windows that drafts of the marked answers have";
    for (const Model& model : clean) {
      const wm::Windows windows = windows_of(model.samples, mark, filter);
      t.clean.push_back({model.name, wm::detect(key, mark.mark, windows).log10_p});
    }
    results.push_back(std::move(t));
  }
  return results;
}

}  // namespace stillwatch::attribution
