// The published benchmark of query windows (arXiv 2606.05725) on the pairs at hand: thresholds from honest windows
// only, windows mixed with 0 to 100 % of attackers, three disjoint parts of the honest queries for reference,
// thresholds and test.
#include <fmt/format.h>
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "detectors.h"

namespace {

using stillwatch::base::Random;
using stillwatch::bench::Detector;
using stillwatch::bench::Query;
using stillwatch::bench::Window;
namespace features = stillwatch::features;
namespace dialect = stillwatch::dialect;

struct Pair {
  std::vector<Query> honest, attackers;
};

Pair read(const std::string& path) {
  Pair pair;
  features::FeatureExtractor extractor;
  const gzFile file = gzopen(path.c_str(), "rb");
  std::vector<char> line(1 << 20);
  while (file != nullptr && gzgets(file, line.data(), static_cast<int>(line.size())) != nullptr) {
    const auto object = nlohmann::json::parse(line.data(), nullptr, false);
    if (!object.is_object()) continue;
    const std::string text = object["messages"].back()["content"];
    dialect::Exchange e;
    e.turns.push_back({dialect::Role::kUser, text, 0, 0});
    Query q{extractor.extract(e), {}};
    std::vector<features::Token> storage;
    q.embedding = features::embed(features::tokenize(std::string_view(text).substr(0, 4096), storage));
    (object["label"] == "attacker" ? pair.attackers : pair.honest).push_back(q);
  }
  if (file != nullptr) gzclose(file);
  return pair;
}

Window pointers(const std::vector<Query>& queries, size_t begin, size_t end) {
  Window w;
  for (size_t i = begin; i < end; ++i) w.push_back(&queries[i]);
  return w;
}

// `attackers` of the window's queries from one pool, the rest from the other, none twice.
Window draw(const Window& honest, const Window& hostile, size_t size, size_t attackers, Random& random) {
  Window a = honest, b = hostile;
  random.shuffle(std::span(a));
  random.shuffle(std::span(b));
  Window w(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(std::min(attackers, b.size())));
  for (size_t i = 0; w.size() < size && i < a.size(); ++i) w.push_back(a[i]);
  random.shuffle(std::span(w));
  return w;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Windows of queries: ours beside plain MMD and PRADA");
  std::string folder;
  std::vector<size_t> sizes = {100, 500};
  int windows = 200;
  app.add_option("LABELLED", folder, "Folder of *.jsonl.gz with label attacker or benign")->required();
  app.add_option("--sizes", sizes, "Queries in a window")->delimiter(',');
  app.add_option("--windows", windows, "Windows for thresholds, and again for every test");
  CLI11_PARSE(app, argc, argv);
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  const double fractions[] = {0, 0.05, 0.1, 0.25, 0.5, 1};
  for (const size_t size : sizes) {
    fmt::print(
        "\nWindows of {}\n\n| pair | detector | honest flagged | 5 % | 10 % | 25 % | 50 % | 100 % "
        "|\n|---|---|---:|---:|---:|---:|---:|---:|\n",
        size);
    for (const std::string& file : files) {
      Pair pair = read(file);
      Random random(7);
      random.shuffle(std::span(pair.honest));
      const size_t third = pair.honest.size() / 3;
      const Window reference = pointers(pair.honest, 0, third);
      const Window calibration = pointers(pair.honest, third, 2 * third);
      const Window test = pointers(pair.honest, 2 * third, 3 * third);
      const Window hostile = pointers(pair.attackers, 0, pair.attackers.size());
      std::vector<Window> honest;
      for (int i = 0; i < windows; ++i) honest.push_back(draw(calibration, hostile, size, 0, random));
      using stillwatch::bench::mmd_detector, stillwatch::bench::prada_detector, stillwatch::bench::shift_detector,
          stillwatch::bench::signals_detector;
      for (const auto& make : {signals_detector, shift_detector, mmd_detector, prada_detector}) {
        const auto detector = make();
        detector->fit(reference, honest);
        std::vector<double> scores;
        for (const Window& w : honest) scores.push_back(detector->score(w));
        std::sort(scores.begin(), scores.end());
        const double threshold = scores[scores.size() * 99 / 100];
        fmt::print("| {} | {} |", std::filesystem::path(file).stem().stem().string(), detector->name());
        Random same(11);
        for (const double fraction : fractions) {
          int flagged = 0;
          for (int i = 0; i < windows; ++i) {
            flagged +=
                detector->score(draw(test, hostile, size, static_cast<size_t>(fraction * static_cast<double>(size)),
                                     same)) > threshold;
          }
          fmt::print(" {:.3f} |", flagged / static_cast<double>(windows));
        }
        fmt::print("\n");
        std::fflush(stdout);
      }
    }
  }
  return 0;
}
