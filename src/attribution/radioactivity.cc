#include "attribution/radioactivity.h"

#include "attribution/mark_tests.h"
#include "watermark/detect.h"

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
  t.wrong_keys = wrong_keys_of(wrong_keys, d.log10_p,
                               [&](const wm::Key& wrong) { return wm::detect(wrong, mark, windows).log10_p; });
  return t;
}

std::vector<TestResult> radioactivity(const wm::Key& key, const wm::MarkEvidence& mark, std::span<const Sample> suspect,
                                      std::span<const Model> clean, uint64_t wrong_keys) {
  constexpr std::string_view kNull = "the suspect's texts do not depend on the key of this mark, given their prompts";
  return with_and_without_filter(mark, "radioactivity", kNull, [&](const wm::Filter* filter) {
    TestResult t = test_windows(key, mark.mark, windows_of(suspect, mark, filter), wrong_keys);
    for (const Model& model : clean) {
      const wm::Windows windows = windows_of(model.samples, mark, filter);
      t.clean.push_back({model.name, wm::detect(key, mark.mark, windows).log10_p});
    }
    return t;
  });
}

}  // namespace stillwatch::attribution
