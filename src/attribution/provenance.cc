#include "attribution/provenance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>
#include <unordered_map>

#include "base/hash.h"
#include "stats/binomial.h"
#include "watermark/sketch.h"

namespace stillwatch::attribution {
namespace {

using Pairs = std::vector<uint64_t>;  // hashes, sorted, distinct

Pairs pairs_of(std::string_view text, size_t words_max) {
  std::vector<watermark::Unit> words = watermark::words_of(text);
  words.resize(std::min(words.size(), words_max));
  Pairs pairs;
  for (size_t i = 0; i + 2 <= words.size(); ++i) pairs.push_back(watermark::hash_of(std::span(words).subspan(i, 2)));
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  return pairs;
}

Pairs opening_of(const Sample& sample) {
  constexpr size_t kOpeningWords = 32;
  Pairs pairs = pairs_of(sample.answer, kOpeningWords);
  const Pairs prompt = pairs_of(sample.prompt, ~size_t{0});
  std::erase_if(pairs, [&](uint64_t p) { return std::binary_search(prompt.begin(), prompt.end(), p); });
  return pairs;
}

double agreement(const Pairs& a, const Pairs& b) {
  if (a.empty() || b.empty()) return 0;
  size_t common = 0;
  for (const uint64_t p : a) common += std::binary_search(b.begin(), b.end(), p);
  return static_cast<double>(common) / std::sqrt(static_cast<double>(a.size()) * static_cast<double>(b.size()));
}

using Openings = std::unordered_map<uint64_t, Pairs>;  // by the prompt's hash; the first answer counts

Openings openings_of(std::span<const Sample> samples) {
  Openings out;
  for (const Sample& s : samples) {
    const uint64_t prompt = base::hash64(s.prompt);
    if (!out.contains(prompt)) out.emplace(prompt, opening_of(s));
  }
  return out;
}

}  // namespace

base::Result<TestResult> provenance(std::span<const Sample> suspect, const Model& parent,
                                    std::span<const Model> controls) {
  if (controls.size() < 2)
    return base::fail(base::ErrorCode::kUsage, "provenance is measured against two control models at least");
  const Openings of_suspect = openings_of(suspect);
  const Openings of_parent = openings_of(parent.samples);
  std::vector<Openings> of_controls;
  for (const Model& c : controls) of_controls.push_back(openings_of(c.samples));
  std::vector<uint64_t> prompts;
  for (const auto& [prompt, pairs] : of_suspect) {
    const auto has = [prompt = prompt](const Openings& o) { return o.contains(prompt); };
    if (has(of_parent) && std::all_of(of_controls.begin(), of_controls.end(), has)) prompts.push_back(prompt);
  }
  if (prompts.empty()) {
    return base::fail(base::ErrorCode::kInput,
                      "there is no prompt that the suspect, the parent and all controls have answered");
  }
  TestResult t;
  t.test = "provenance";
  t.subject = parent.name;
  t.null = "for some pair of controls, the suspect agrees with the parent no more than chance has it";
  t.supporting = true;
  t.note = "supports only: a shared ancestor, shared data or a shared style do it too, and it has no direction";
  t.log10_p = -1e9;
  uint64_t wins = 0;
  uint64_t decided = 0;
  std::string against;
  for (size_t c = 0; c < controls.size(); ++c) {
    for (size_t d = 0; d < controls.size(); ++d) {
      if (c == d) continue;
      uint64_t above = 0;
      uint64_t below = 0;
      for (const uint64_t i : prompts) {
        const Pairs& p = of_parent.at(i);
        const Pairs& s = of_suspect.at(i);
        const Pairs& other = of_controls[c].at(i);
        const Pairs& twin = of_controls[d].at(i);
        const double x = agreement(s, p) - agreement(s, other) - agreement(twin, p) + agreement(twin, other);
        constexpr double kTie = 1e-12;
        above += x > kTie;
        below += x < -kTie;
      }
      const double log10_p = stats::log_binomial_tail(above, above + below, 0.5) / std::numbers::ln10;
      if (log10_p < t.log10_p) continue;
      t.log10_p = log10_p;
      wins = above;
      decided = above + below;
      against = fmt::format("{} and {}", controls[c].name, controls[d].name);
    }
  }
  t.figures = {{"prompts", static_cast<double>(prompts.size())},
               {"decided", static_cast<double>(decided)},
               {"for_parent", static_cast<double>(wins)},
               {"controls", static_cast<double>(controls.size())}};
  t.note += fmt::format("; least against {}", against);
  return t;
}

}  // namespace stillwatch::attribution
