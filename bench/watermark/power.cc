// How well marks are found.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "campaign.h"
#include "stats/normal.h"
#include "student.h"

namespace stillwatch::bench {

namespace wm = watermark;
using base::Random;

namespace {

// Power at 1 % of `pooled` answers, each the best of n: one exactly, more by the normal law of their sum.
double theory_of(size_t n, size_t pooled) {
  if (pooled == 1) return 1 - std::pow(0.99, static_cast<double>(n));
  const stats::Largest largest = stats::largest_of(n);
  const auto q = static_cast<double>(pooled);
  return stats::normal_tail((2.3263 * std::sqrt(q) - q * largest.mean) / (std::sqrt(q) * largest.deviation));
}

}  // namespace

void selection(const Bench& b) {
  fmt::print("\n## Selection: z of {} pooled answers, mean of {} keys\n\n", b.prompts(), b.keys);
  fmt::print(
      "Theory: the mean of the best of n standard normal variables, times the root of the answers; then for answers "
      "as\n"
      "unequal in length as these, which pool by their windows.\n\n"
      "| drafts | theory | for these lengths | by | k = 1 | k = 2 | k = 3 | k = 4 | longest draft chosen (k = 2) |\n"
      "|---:|---:|---:|---|---:|---:|---:|---:|---:|\n");
  for (const size_t n : {2, 4, 6}) {
    for (const By by : {By::kScore, By::kCount, By::kNothing}) {
      const double theory = stats::largest_of(n).mean * std::sqrt(static_cast<double>(b.prompts()));
      std::string cells;
      double longest = 0;
      Moments unequal;
      for (int k = 1; k <= 4; ++k) {
        const wm::Mark mark{wm::Scheme::kGreen, k, 0.5};
        Moments z;
        for (int i = 0; i < b.keys; ++i) {
          const wm::Key key = wm::control_key(i);
          const Campaign c = run_campaign(b, key, mark, n, kNone, by, i);
          z.add(wm::detect(key, mark, windows_of(b, c.chosen, k)).z);
          if (k != 2) continue;
          longest += static_cast<double>(c.longest) / static_cast<double>(b.prompts()) / b.keys;
          double roots = 0, all = 0;
          for (size_t p = 0; p < b.prompts(); ++p) {
            const double u = std::max(0.0, static_cast<double>(b.words[c.chosen[p]][p].size()) - k);
            roots += std::sqrt(u);
            all += u;
          }
          unequal.add(stats::largest_of(n).mean * roots / std::sqrt(all));
        }
        cells += fmt::format(" {:.1f} |", z.mean());
      }
      fmt::print("| {} | {:.1f} | {:.1f} | {} |{} {:.2f} |\n", n, theory, unequal.mean(),
                 by == By::kScore   ? "score"
                 : by == By::kCount ? "count"
                                    : "nothing",
                 cells, longest);
      std::fflush(stdout);
    }
  }
}

void power(const Bench& b) {
  const int keys = 10 * b.keys;
  const wm::Mark mark{wm::Scheme::kGreen, 2, 0.5};
  fmt::print("\n## Power at 1 % false positives against answers pooled, k = 2, {} keys a cell (theory)\n\n", keys);
  fmt::print("| drafts | 1 | 2 | 5 | 10 | 20 | 50 |\n|---:|---:|---:|---:|---:|---:|---:|\n");
  for (const size_t n : {2, 4, 6}) {
    fmt::print("| {} |", n);
    for (const size_t pooled : {1, 2, 5, 10, 20, 50}) {
      int found = 0;
      for (int i = 0; i < keys; ++i) {
        const wm::Key key = wm::control_key(i);
        const wm::DraftSelector selector(key, mark);
        wm::GivenWindows given;
        Random random(i);
        wm::Windows windows(2);
        std::vector<size_t> order(b.prompts());
        std::iota(order.begin(), order.end(), size_t{0});
        random.shuffle(std::span(order));
        for (size_t j = 0; j < pooled; ++j) {
          const size_t p = order[j];
          const auto drafters = b.drafters(n, kNone, random);
          std::vector<std::string_view> drafts;
          for (const size_t m : drafters) drafts.push_back(b.corpus.answers[m][p]);
          const size_t m = drafters[selector.select(drafts, given).chosen];
          windows.add(b.words[m][p], b.prompt_words[p]);
        }
        found += wm::detect(key, mark, windows).p() <= 0.01;
      }
      fmt::print(" {:.2f} ({:.2f}) |", found / static_cast<double>(keys), theory_of(n, pooled));
    }
    fmt::print("\n");
    std::fflush(stdout);
  }
}

void equal_lengths(const Bench& b) {
  constexpr size_t kWords = 200;
  const int keys = 10 * b.keys;
  const wm::Mark mark{wm::Scheme::kGreen, 2, 0.5};
  // Each model's answers one after the other, cut into pieces of equal length.
  std::vector<std::vector<std::string>> pieces(b.models());
  for (size_t m = 0; m < b.models(); ++m) {
    std::string piece;
    size_t words = 0;
    for (const std::string& answer : b.corpus.answers[m]) {
      for (size_t at = 0; at < answer.size();) {
        const size_t end = std::min(answer.find_first_of(" \n", at), answer.size());
        piece.append(answer, at, end - at).append(1, ' ');
        at = end + 1;
        if (++words < kWords) continue;
        pieces[m].push_back(std::exchange(piece, {}));
        words = 0;
      }
    }
  }
  fmt::print(
      "\n## Power at 1 % false positives, answers of {} words, k = 2, {} keys a cell (theory)\n\n"
      "Drafts are pieces of real answers, of one model after the other.\n\n"
      "| drafts | 1 | 2 | 5 | 10 | 20 |\n|---:|---:|---:|---:|---:|---:|\n",
      kWords, keys);
  for (const size_t n : {2, 4, 8}) {
    fmt::print("| {} |", n);
    for (const size_t pooled : {1, 2, 5, 10, 20}) {
      int found = 0;
      for (int i = 0; i < keys; ++i) {
        const wm::Key key = wm::control_key(static_cast<uint64_t>(i));
        const wm::DraftSelector selector(key, mark);
        wm::GivenWindows given;
        wm::Windows windows(2);
        Random random(static_cast<uint64_t>(i));
        for (size_t j = 0; j < pooled; ++j) {
          std::vector<std::string_view> drafts;
          for (size_t d = 0; d < n; ++d) {
            const auto& of_model = pieces[d % b.models()];
            drafts.push_back(of_model[random.below(of_model.size())]);
          }
          windows.add_text(drafts[selector.select(drafts, given).chosen]);
        }
        found += wm::detect(key, mark, windows).p() <= 0.01;
      }
      fmt::print(" {:.2f} ({:.2f}) |", found / static_cast<double>(keys), theory_of(n, pooled));
    }
    fmt::print("\n");
    std::fflush(stdout);
  }
}

// The models' first, second, ... sentences as drafts of each other's: no answer anybody would give, but real sentences.
void sentences(const Bench& b) {
  fmt::print("\n## Sentence by sentence, 4 drafts, k = 2, {} keys\n\n", b.keys);
  const wm::Mark mark{wm::Scheme::kGreen, 2, 0.5};
  Moments z, per_answer, single;
  for (int i = 0; i < b.keys; ++i) {
    const wm::Key key = wm::control_key(i);
    const wm::DraftSelector selector(key, mark);
    wm::GivenWindows given;
    wm::Windows windows(2);
    Random random(i);
    size_t total = 0;
    for (size_t p = 0; p < b.prompts(); ++p) {
      const auto drafters = b.drafters(4, kNone, random);
      std::vector<std::string_view> rest;
      for (const size_t m : drafters) rest.push_back(b.corpus.answers[m][p]);
      wm::SentenceSelector steps(selector, given);
      while (!steps.finished()) {
        std::vector<wm::SentenceSelector::Draft> drafts;
        for (const auto r : rest) drafts.push_back({r, true});
        steps.add(drafts);
        for (auto& r : rest) r.remove_prefix(wm::sentence_end(r));
      }
      total += steps.selections().size();
      windows.add_text(steps.text(), b.corpus.prompts[p]);
      wm::Windows one(2);
      one.add_text(steps.text(), b.corpus.prompts[p]);
      single.add(wm::detect(key, mark, one).p() <= 0.01);
    }
    z.add(wm::detect(key, mark, windows).z);
    per_answer.add(static_cast<double>(total) / static_cast<double>(b.prompts()));
  }
  fmt::print(
      "z of {} answers {:.1f} with {:.1f} sentences an answer (theory {:.1f}); {:.2f} of single answers at 1 %\n",
      b.prompts(), z.mean(), per_answer.mean(),
      stats::largest_of(4).mean * std::sqrt(per_answer.mean() * static_cast<double>(b.prompts())), single.mean());
}

// One answer of 200 words whose sentences are the best of n real ones each.
void single_by_sentence(const Bench& b) {
  constexpr size_t kWords = 200;
  const int keys = 10 * b.keys;
  const wm::Mark mark{wm::Scheme::kGreen, 2, 0.5};
  // Every model's answers as one text, in which drafts begin anywhere.
  std::vector<std::string> all(b.models());
  for (size_t m = 0; m < b.models(); ++m) {
    for (const std::string& answer : b.corpus.answers[m]) all[m] += answer + "\n";
  }
  fmt::print(
      "\n## One answer of {} words by sentences, k = 2, {} keys\n\n| drafts | found at 1 % | sentences "
      "|\n|---:|---:|---:|\n",
      kWords, keys);
  for (const size_t n : {2, 4, 8}) {
    int found = 0;
    double sentences = 0;
    for (int i = 0; i < keys; ++i) {
      const wm::Key key = wm::control_key(static_cast<uint64_t>(i));
      const wm::DraftSelector selector(key, mark);
      wm::GivenWindows given;
      wm::SentenceSelector steps(selector, given);
      Random random(static_cast<uint64_t>(i));
      size_t words = 0;
      while (words < kWords) {
        std::vector<wm::SentenceSelector::Draft> drafts;
        for (size_t d = 0; d < n; ++d) {
          const std::string_view text = all[d % b.models()];
          // From behind some sentence's end, so that whole sentences are drawn.
          std::string_view rest = text.substr(random.below(text.size() - 5000));
          rest.remove_prefix(wm::sentence_end(rest));
          drafts.push_back({rest.substr(0, 2000), false});
        }
        words += wm::words_of(steps.add(drafts)).size();
      }
      wm::Windows windows(2);
      windows.add_text(steps.text());
      found += wm::detect(key, mark, windows).p() <= 0.01;
      sentences += static_cast<double>(steps.selections().size()) / keys;
    }
    fmt::print("| {} | {:.2f} | {:.1f} |\n", n, found / static_cast<double>(keys), sentences);
    std::fflush(stdout);
  }
}

// Students that learn marked answers among others, and students that learn the same unmarked.
void students(const Bench& b) {
  fmt::print(
      "\n## Students of word triples, 4 drafts of a campaign; z of 100,000 words they write, mean of {} keys\n\n"
      "Marked answers stand among clean ones of the other models; clean students learn drafts that nobody selected.\n\n"
      "| share marked | k | all windows | windows of all drafts | rare ones of these | clean student, all drafts |\n"
      "|---:|---:|---:|---:|---:|---:|\n",
      b.keys);
  for (const double share : {1.0, 0.5, 0.2, 0.05}) {
    for (int k = 1; k <= 2; ++k) {
      const wm::Mark mark{wm::Scheme::kGreen, k, 0.5};
      Moments all, filtered, rare, clean;
      for (int i = 0; i < b.keys; ++i) {
        const wm::Key key = wm::control_key(i);
        const Campaign c = run_campaign(b, key, mark, 4, kNone, By::kScore, i);
        Random random(100 + i);
        Student guilty, innocent;
        std::unordered_map<uint64_t, int> common;  // windows in what the marks never touched
        for (size_t p = 0; p < b.prompts(); ++p) {
          const size_t any = random.below(b.models());
          const bool marked = random.chance(share);
          guilty.learn(b.words[marked ? c.chosen[p] : any][p]);
          innocent.learn(b.words[any][p]);
          for (size_t m = 0; m < b.models(); ++m) {
            const auto& text = b.words[m][p];
            for (size_t at = 0; at + static_cast<size_t>(k) < text.size(); ++at)
              ++common[wm::hash_of(std::span(text).subspan(at, static_cast<size_t>(k) + 1))];
          }
        }
        wm::Windows every(k), kept(k, &c.all_drafts), kept_clean(k, &c.all_drafts);
        for (int words = 0; words < 100'000;) {
          const auto text = guilty.write(300, random);
          words += static_cast<int>(text.size()) + 1;
          every.add(text);
          kept.add(text);
          kept_clean.add(innocent.write(300, random));
        }
        wm::Windows few(k);
        for (size_t w = 0; w < kept.size(); ++w) {
          if (common[wm::hash_of(kept[w])] < 5) few.add_window(kept[w]);
        }
        all.add(wm::detect(key, mark, every).z);
        filtered.add(wm::detect(key, mark, kept).z);
        rare.add(wm::detect(key, mark, few).z);
        clean.add(wm::detect(key, mark, kept_clean).z);
      }
      fmt::print("| {:.2f} | {} | {:.1f} | {:.1f} | {:.1f} | {:.2f} |\n", share, k, all.mean(), filtered.mean(),
                 rare.mean(), clean.mean());
      std::fflush(stdout);
    }
  }
}

}  // namespace stillwatch::bench
