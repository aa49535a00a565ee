// What marking by selecting drafts can do, on real answers: those of several models to the same prompts are each
// other's drafts. Every table says under how many keys it was made.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "corpus.h"
#include "stats/normal.h"
#include "student.h"
#include "watermark/detect.h"
#include "watermark/select.h"

namespace {

using stillwatch::base::Random;
using stillwatch::bench::Corpus;
using stillwatch::bench::Student;
namespace stats = stillwatch::stats;
namespace wm = stillwatch::watermark;

constexpr size_t kNone = ~size_t{0};

struct Moments {
  double n = 0, sum = 0, squares = 0;
  void add(double x) {
    ++n;
    sum += x;
    squares += x * x;
  }
  double mean() const { return sum / n; }
  double deviation() const { return std::sqrt(std::max(0.0, squares / n - mean() * mean())); }
};

struct Bench {
  Corpus corpus;
  std::vector<std::vector<std::vector<wm::Unit>>> words;  // by model, by prompt
  std::vector<std::vector<wm::Unit>> prompt_words;
  int keys = 20;

  size_t models() const { return words.size(); }
  size_t prompts() const { return prompt_words.size(); }

  // n models other than `without`, in an order of the prompt's own.
  std::vector<size_t> drafters(size_t n, size_t without, Random& random) const {
    std::vector<size_t> all;
    for (size_t m = 0; m < models(); ++m) {
      if (m != without) all.push_back(m);
    }
    random.shuffle(std::span(all));
    all.resize(std::min(n, all.size()));
    return all;
  }
};

enum class By : uint8_t { kScore, kCount, kNothing };

// One campaign: for every prompt one of n drafts, selected under the key.
struct Campaign {
  std::vector<size_t> chosen;  // model by prompt
  wm::Filter all_drafts;
  size_t longest = 0;  // how often the longest draft was chosen
};

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

wm::Windows windows_of(const Bench& b, const std::vector<size_t>& chosen, int context,
                       const wm::Filter* filter = nullptr) {
  wm::Windows windows(context, filter);
  for (size_t p = 0; p < chosen.size(); ++p) windows.add(b.words[chosen[p]][p], b.prompt_words[p]);
  return windows;
}

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

void power(const Bench& b) {
  const int keys = 10 * b.keys;
  const wm::Mark mark{wm::Scheme::kGreen, 2, 0.5};
  fmt::print("\n## Power at 1 % false positives against answers pooled, k = 2, {} keys a cell (theory)\n\n", keys);
  fmt::print("| drafts | 1 | 2 | 5 | 10 | 20 | 50 |\n|---:|---:|---:|---:|---:|---:|---:|\n");
  for (const size_t n : {2, 4, 6}) {
    const auto largest = stats::largest_of(n);
    fmt::print("| {} |", n);
    for (const size_t pooled : {1, 2, 5, 10, 20, 50}) {
      int found = 0, tried = 0;
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
        ++tried;
      }
      const double q = static_cast<double>(pooled);
      // One answer exactly; more by the normal law of their sum.
      const double theory =
          pooled == 1
              ? 1 - std::pow(0.99, static_cast<double>(n))
              : stats::normal_tail((2.3263 * std::sqrt(q) - q * largest.mean) / (std::sqrt(q) * largest.deviation));
      fmt::print(" {:.2f} ({:.2f}) |", found / static_cast<double>(tried), theory);
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

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Marking by selecting drafts, on real answers");
  std::string folder;
  std::string only;
  Bench b;
  app.add_option("ANSWERS", folder, "Folder of *.jsonl.gz, the answers of one model each to the same prompts")
      ->required();
  app.add_option("--keys", b.keys, "Keys; several times as many where many are needed");
  app.add_option("--only", only, "One section: selection, repeats, correlation, innocents, power, sentences, students");
  CLI11_PARSE(app, argc, argv);
  b.corpus = stillwatch::bench::read_corpus(folder);
  for (const auto& answers : b.corpus.answers) {
    auto& words = b.words.emplace_back();
    for (const std::string& answer : answers) words.push_back(wm::words_of(answer));
  }
  for (const std::string& prompt : b.corpus.prompts) b.prompt_words.push_back(wm::words_of(prompt));
  fmt::print("{} models, {} prompts\n", b.models(), b.prompts());
  for (size_t m = 0; m < b.models(); ++m) {
    size_t total = 0;
    for (const auto& text : b.words[m]) total += text.size();
    fmt::print("- {}: {:.0f} words an answer\n", b.corpus.models[m],
               static_cast<double>(total) / static_cast<double>(b.prompts()));
  }
  const std::pair<const char*, void (*)(const Bench&)> sections[] = {
      {"selection", selection}, {"repeats", repeats},     {"correlation", correlation}, {"innocents", innocents},
      {"power", power},         {"sentences", sentences}, {"students", students}};
  for (const auto& [name, section] : sections) {
    if (only.empty() || only == name) section(b);
  }
  return 0;
}
