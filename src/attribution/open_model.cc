#include "attribution/open_model.h"

#include "attribution/contrast.h"
#include "attribution/mark_tests.h"
#include "attribution/radioactivity.h"
#include "watermark/detect.h"

namespace stillwatch::attribution {
namespace {

namespace wm = watermark;

wm::Windows windows_of(std::span<const Place> places, int context, const wm::Filter* filter) {
  wm::Windows windows(context, filter);
  std::vector<wm::Unit> window;
  for (const Place& place : places) {
    if (!place.said || place.before.size() < static_cast<size_t>(context)) continue;
    window.assign(place.before.end() - context, place.before.end());
    window.push_back(place.next.front().first);
    windows.add_window(window);
  }
  return windows;
}

}  // namespace

std::vector<TestResult> reading(const wm::Key& key, const wm::MarkEvidence& mark, std::span<const Place> suspect,
                                std::span<const ReadBy> clean, uint64_t wrong_keys) {
  constexpr std::string_view kNull =
      "what the suspect expects next does not depend on the key of this mark, given what it reads";
  return with_and_without_filter(mark, "reading", kNull, [&](const wm::Filter* filter) {
    TestResult t = test_windows(key, mark.mark, windows_of(suspect, mark.mark.context, filter), wrong_keys);
    for (const ReadBy& model : clean) {
      const wm::Windows windows = windows_of(model.places, mark.mark.context, filter);
      t.clean.push_back({model.name, wm::detect(key, mark.mark, windows).log10_p});
    }
    return t;
  });
}

std::vector<TestResult> reading_contrast(const wm::Key& key, const wm::MarkEvidence& mark,
                                         std::span<const Place> suspect, std::span<const Place> reference,
                                         std::span<const ReadBy> clean, uint64_t wrong_keys) {
  constexpr std::string_view kNull =
      "neither what the suspect expects nor what the reference does depends on the key of this mark, nor do the texts "
      "that they read";
  return with_and_without_filter(mark, "reading-contrast", kNull, [&](const wm::Filter* filter) {
    Contrast referred(mark.mark.context, filter);
    referred.add(Contrast::Of::kReference, reference);
    const auto of = [&](std::span<const Place> places, uint64_t wrong) {
      Contrast both = referred;
      both.add(Contrast::Of::kSuspect, places);
      return both.test(key, mark.mark, wrong);
    };
    TestResult t = of(suspect, wrong_keys);
    for (const ReadBy& model : clean) t.clean.push_back({model.name, of(model.places, 0).log10_p});
    return t;
  });
}

}  // namespace stillwatch::attribution
