// stillwatch_tidy ROOT: holds a source tree to the rules of the house. Prints file:line: message, one a line; exit
// status 0 if there is nothing to say, 1 if there is, 3 if the tree cannot be read.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <tuple>

#include "tidy/rules.h"
#include "tidy/tree.h"

namespace {

namespace tidy = stillwatch::tidy;

int run(const char* root) {
  const auto tree = tidy::read_tree(root);
  if (!tree) {
    fmt::print(stderr, "tidy: {}\n", tree.error().message);
    return static_cast<int>(tree.error().code);
  }
  tidy::Findings findings;
  for (tidy::Findings& part :
       std::array{tidy::check_house(*tree), tidy::check_dead_files(*tree), tidy::check_bans(*tree),
                  tidy::check_layout(*tree, tidy::allowed_long_files())}) {
    findings.insert(findings.end(), part.begin(), part.end());
  }
  std::sort(findings.begin(), findings.end(), [](const tidy::Finding& a, const tidy::Finding& b) {
    return std::tie(a.path, a.line, a.message) < std::tie(b.path, b.line, b.message);
  });
  for (const tidy::Finding& finding : findings) {
    const std::string line = finding.line == 0 ? "" : fmt::format("{}:", finding.line);
    fmt::print("{}:{} {}\n", finding.path, line, finding.message);
  }
  fmt::print("tidy: {} files, {} findings\n", tree->size(), findings.size());
  return findings.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: stillwatch_tidy ROOT\n");
    return 2;
  }
  return run(argv[1]);
}
