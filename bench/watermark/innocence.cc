// What marks do to those who have nothing to do with them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "campaign.h"

namespace stillwatch::bench {

namespace wm = watermark;
using base::Random;

void repeats(const Bench& b) {
  const int keys = 100 * b.keys;
  fmt::print("\n## False positives at 1e-3 under {} wrong keys, 805 answers of each model\n\n", keys);
  fmt::print("| model | k | each answer by itself | each window once |\n|---|---:|---:|---:|\n");
  for (size_t m = 0; m < b.models(); ++m) {
    for (int k = 1; k <= 2; ++k) {
      const wm::Mark mark{wm::Scheme::kGreen, k, 0.5};
      wm::Windows once(k);
      // Windows with how many answers they occur in: the count by answers is the sum of these.
      std::vector<wm::Unit> sorted;
      std::unordered_map<uint64_t, std::pair<std::vector<wm::Unit>, double>> by_answer;
      for (const auto& text : b.words[m]) {
        once.add(text);
        wm::Windows one(k);
        one.add(text);
        for (size_t i = 0; i < one.size(); ++i) {
          auto& entry = by_answer[wm::hash_of(one[i])];
          entry.first.assign(one[i].begin(), one[i].end());
          ++entry.second;
        }
      }
      int wrong_each = 0, wrong_once = 0;
      for (int i = 0; i < keys; ++i) {
        const wm::Key key = wm::control_key(i);
        double score = 0, n = 0;
        for (const auto& [hash, entry] : by_answer) {
          score += entry.second * wm::score_of(mark, key.prf(entry.first));
          n += entry.second;
        }
        wrong_each += wm::detection_of(mark, static_cast<uint64_t>(n), score).p() <= 1e-3;
        wrong_once += wm::detect(key, mark, once).p() <= 1e-3;
      }
      fmt::print("| {} | {} | {:.4f} | {:.4f} |\n", b.corpus.models[m], k, wrong_each / static_cast<double>(keys),
                 wrong_once / static_cast<double>(keys));
      std::fflush(stdout);
    }
  }
}

void correlation(const Bench& b) {
  const int keys = 20 * b.keys;
  fmt::print("\n## One key, several accounts: correlation of z between models on the same prompts, {} keys\n\n", keys);
  for (int k = 1; k <= 2; ++k) {
    const wm::Mark mark{wm::Scheme::kGreen, k, 0.5};
    std::vector<std::vector<double>> z(b.models());
    for (size_t m = 0; m < b.models(); ++m) {
      const wm::Windows windows = windows_of(b, std::vector<size_t>(b.prompts(), m), k);
      for (int i = 0; i < keys; ++i) z[m].push_back(wm::detect(wm::control_key(i), mark, windows).z);
    }
    Moments all;
    double low = 1, high = -1;
    for (size_t a = 0; a < b.models(); ++a) {
      for (size_t c = a + 1; c < b.models(); ++c) {
        Moments x, y;
        double product = 0;
        for (int i = 0; i < keys; ++i) {
          x.add(z[a][i]);
          y.add(z[c][i]);
          product += z[a][i] * z[c][i] / keys;
        }
        const double r = (product - x.mean() * y.mean()) / (x.deviation() * y.deviation());
        all.add(r);
        low = std::min(low, r);
        high = std::max(high, r);
      }
    }
    fmt::print("k = {}: mean {:.2f}, from {:.2f} to {:.2f} over pairs of models\n", k, all.mean(), low, high);
  }
}

namespace {

// Windows of a suspect's answers that occur in the selected ones: the filter that must not be.
wm::Windows filtered_by_selected(const Bench& b, const std::vector<size_t>& chosen, size_t suspect, int context) {
  wm::FlatSet<uint64_t> selected;
  const wm::Windows given = windows_of(b, chosen, context);
  for (size_t i = 0; i < given.size(); ++i) selected.insert(wm::hash_of(given[i]));
  wm::Windows out(context);
  for (const auto& text : b.words[suspect]) {
    for (size_t i = 0; i + static_cast<size_t>(context) < text.size(); ++i) {
      const auto window = std::span(text).subspan(i, static_cast<size_t>(context) + 1);
      if (selected.contains(wm::hash_of(window))) out.add_window(window);
    }
  }
  return out;
}

}  // namespace

void innocents(const Bench& b) {
  const int keys = 5 * b.keys;
  fmt::print("\n## Innocents: each model held against campaigns of four drafts of the five others, {} keys a model\n\n",
             keys);
  fmt::print(
      "| k | filter | windows | mean z | P(p <= 0.1) | P(p <= 0.01) | P(p <= 0.001) | mean z, another key |\n"
      "|---:|---|---:|---:|---:|---:|---:|---:|\n");
  for (int k = 1; k <= 2; ++k) {
    const wm::Mark mark{wm::Scheme::kGreen, k, 0.5};
    Moments z[3], z_other[3], size[3];
    std::vector<double> p[3];
    for (size_t suspect = 0; suspect < b.models(); ++suspect) {
      const std::vector<size_t> itself(b.prompts(), suspect);
      for (int i = 0; i < keys; ++i) {
        const wm::Key key = wm::control_key(i);
        const Campaign c = run_campaign(b, key, mark, 4, suspect, By::kScore, i);
        const wm::Windows views[] = {windows_of(b, itself, k), windows_of(b, itself, k, &c.all_drafts),
                                     filtered_by_selected(b, c.chosen, suspect, k)};
        for (int f = 0; f < 3; ++f) {
          const wm::Detection d = wm::detect(key, mark, views[f]);
          z[f].add(d.z);
          p[f].push_back(d.p());
          size[f].add(static_cast<double>(d.windows));
          z_other[f].add(wm::detect(wm::control_key(1'000'000 + i), mark, views[f]).z);
        }
      }
    }
    const char* names[] = {"none", "windows of all drafts", "windows of selected answers (not offered)"};
    for (int f = 0; f < 3; ++f) {
      fmt::print("| {} | {} | {:.0f} | {:.2f} |", k, names[f], size[f].mean(), z[f].mean());
      for (const double level : {0.1, 0.01, 0.001}) {
        const auto below = std::count_if(p[f].begin(), p[f].end(), [&](double v) { return v <= level; });
        fmt::print(" {:.4f} |", static_cast<double>(below) / static_cast<double>(p[f].size()));
      }
      fmt::print(" {:.2f} |\n", z_other[f].mean());
    }
    std::fflush(stdout);
  }
}

}  // namespace stillwatch::bench
