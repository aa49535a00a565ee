#include "watermark/select.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace stillwatch::watermark {

void GivenWindows::insert(uint32_t hash) {
  if (contains(hash)) return;
  if (young_.size() == kMax / 2) {
    old_ = std::exchange(young_, {});
  }
  young_.insert(hash);
}

Selection DraftSelector::select(std::span<const std::string_view> drafts, GivenWindows& given,
                                std::string_view before) const {
  const auto context = static_cast<size_t>(mark_.context);
  std::vector<Unit> lead = words_of(before);
  if (lead.size() > context) lead.erase(lead.begin(), lead.end() - static_cast<std::ptrdiff_t>(context));

  Selection out;
  FlatSet<uint64_t> texts;
  std::vector<uint32_t> best;  // the windows of the chosen draft
  for (const std::string_view draft : drafts) {
    std::vector<Unit> units = lead;
    append_words(draft, units);
    texts.insert(hash_of(units));
    FlatSet<uint32_t> seen;
    std::vector<uint32_t> windows;
    double score = 0;
    double n = 0;
    for (size_t i = 0; i + context < units.size(); ++i) {
      const auto window = std::span(units).subspan(i, context + 1);
      const auto hash = static_cast<uint32_t>(hash_of(window));
      if (!seen.insert(hash)) continue;
      windows.push_back(hash);
      out.sketch.windows_.add(hash);
      if (given.contains(hash)) continue;
      score += score_of(mark_, key_.prf(window));
      ++n;
    }
    out.scores.push_back(n > 0 ? (score - n * mean_of(mark_)) / std::sqrt(n * variance_of(mark_)) : 0);
    if (out.scores.size() == 1 || out.scores.back() > out.scores[out.chosen]) {
      out.chosen = out.scores.size() - 1;
      best = std::move(windows);
    }
  }
  for (const uint32_t hash : best) given.insert(hash);
  out.sketch.distinct_drafts_ = texts.size();
  out.sketch.windows_.settle();
  return out;
}

std::string_view SentenceSelector::add(std::span<const Draft> drafts) {
  std::vector<std::string_view> sentences;
  for (const Draft& draft : drafts) sentences.push_back(draft.text.substr(0, sentence_end(draft.text)));
  selections_.push_back(selector_.select(sentences, given_, text_));
  const size_t chosen = selections_.back().chosen;
  const std::string_view rest = drafts[chosen].text.substr(sentences[chosen].size());
  // A draft of nothing would be asked for again and again.
  finished_ = sentences[chosen].empty() ||
              (drafts[chosen].finished && rest.find_first_not_of(" \t\r\n") == std::string_view::npos);
  text_ += sentences[chosen];
  return std::string_view(text_).substr(text_.size() - sentences[chosen].size());
}

}  // namespace stillwatch::watermark
