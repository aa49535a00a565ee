#include "campaign.h"

#include <algorithm>

namespace stillwatch::bench {

namespace wm = watermark;
using base::Random;

std::vector<size_t> Bench::drafters(size_t n, size_t without, Random& random) const {
  std::vector<size_t> all;
  for (size_t m = 0; m < models(); ++m) {
    if (m != without) all.push_back(m);
  }
  random.shuffle(std::span(all));
  all.resize(std::min(n, all.size()));
  return all;
}

Campaign run_campaign(const Bench& b, const wm::Key& key, const wm::Mark& mark, size_t n, size_t without, By by,
                      uint64_t seed) {
  Campaign c;
  wm::GivenWindows given;
  const wm::DraftSelector selector(key, mark);
  Random random(seed);
  for (size_t p = 0; p < b.prompts(); ++p) {
    const auto drafters = b.drafters(n, without, random);
    std::vector<std::string_view> drafts;
    for (const size_t m : drafters) drafts.push_back(b.corpus.answers[m][p]);
    const wm::Selection s = selector.select(drafts, given);
    c.all_drafts.add(s.sketch);
    size_t chosen = s.chosen;
    if (by == By::kNothing) chosen = 0;
    if (by == By::kCount) {
      double best = -1;
      for (size_t d = 0; d < drafts.size(); ++d) {
        wm::Windows one(mark.context);
        one.add(b.words[drafters[d]][p]);
        const double count = wm::detect(key, mark, one).score;
        if (count > best) {
          best = count;
          chosen = d;
        }
      }
    }
    size_t longest = 0;
    for (size_t d = 0; d < drafts.size(); ++d) {
      if (b.words[drafters[d]][p].size() > b.words[drafters[longest]][p].size()) longest = d;
    }
    c.longest += chosen == longest;
    c.chosen.push_back(drafters[chosen]);
  }
  return c;
}

wm::Windows windows_of(const Bench& b, const std::vector<size_t>& chosen, int context, const wm::Filter* filter) {
  wm::Windows windows(context, filter);
  for (size_t p = 0; p < chosen.size(); ++p) windows.add(b.words[chosen[p]][p], b.prompt_words[p]);
  return windows;
}

}  // namespace stillwatch::bench
