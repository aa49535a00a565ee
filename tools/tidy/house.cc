#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "tidy/rules.h"

namespace stillwatch::tidy {
namespace {

struct Row {
  std::string_view module;
  std::string_view may_include;  // and whatever those may include
};

// The same table as in ARCHITECTURE.md: move a wall there and here at once. A row may stand before its folder does: the
// rows below it reach through it.
constexpr Row kHouse[] = {
    {"base", ""},
    {"stats", "base"},
    {"sketch", "base"},
    {"wire", "base"},
    {"net", "wire"},
    {"store", "base"},
    {"dialect", "wire"},
    {"features", "dialect sketch"},
    {"profile", "features"},
    {"signals", "profile stats"},
    {"campaigns", "signals"},
    {"verdict", "campaigns"},
    {"watermark", "stats"},
    {"countermeasure", "verdict watermark dialect"},
    {"attribution", "watermark dialect stats"},
    {"ledger", "base"},
    {"sharing", "campaigns wire"},
    {"pipeline", "countermeasure"},
    {"report", "pipeline attribution"},
    {"gateway", "pipeline net store report"},
    {"scan", "pipeline store report"},
    {"population", "dialect stats"},
    {"problems", "base"},
    {"web", "gateway"},
    {"model", "base"},
    {"training", "model"},
    {"accelerator", "training"},
    {"serving", "model net"},
    {"distill", "training net stats problems"},
    {"range", "distill population pipeline attribution report"},
};

constexpr bool known_above(size_t row, std::string_view module) {
  return std::any_of(std::begin(kHouse), std::begin(kHouse) + row, [&](const Row& r) { return r.module == module; });
}

constexpr bool names_only_rows_above() {
  for (size_t i = 0; i < std::size(kHouse); ++i) {
    std::string_view rest = kHouse[i].may_include;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(' '), rest.size());
      if (!known_above(i, rest.substr(0, end))) return false;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return true;
}
static_assert(names_only_rows_above(), "each row names only rows above it: so modules cannot form a cycle");

using Allowed = std::map<std::string_view, std::set<std::string_view>>;

Allowed transitive() {
  Allowed allowed;
  for (const Row& row : kHouse) {
    std::set<std::string_view>& mine = allowed[row.module];
    mine = {row.module, "base"};
    for (const std::string_view direct : words_of(row.may_include)) {
      mine.insert(allowed[direct].begin(), allowed[direct].end());
    }
  }
  return allowed;
}

std::string_view first_folder(std::string_view path) {
  return path.substr(0, std::min(path.find('/'), path.size()));
}

// "" for a file outside src/ and for one lying in src/ itself.
std::string_view module_of(std::string_view path) {
  if (!path.starts_with("src/")) return {};
  path.remove_prefix(4);
  return path.find('/') == std::string_view::npos ? std::string_view() : first_folder(path);
}

using Graph = std::map<std::string_view, std::vector<std::pair<std::string_view, size_t>>>;

// Depth first over the headers; an include of a file still being visited closes a cycle.
class CycleFinder {
 public:
  explicit CycleFinder(const Graph& graph) : graph_(graph) {}

  Findings run() {
    for (const auto& [path, edges] : graph_) visit(path);
    return std::move(findings_);
  }

 private:
  void visit(std::string_view path) {
    if (!seen_.insert(path).second) return;
    trail_.push_back(path);
    const auto edges = graph_.find(path);
    if (edges != graph_.end()) {
      for (const auto& [to, line] : edges->second) {
        const auto open = std::find(trail_.begin(), trail_.end(), to);
        if (open == trail_.end()) {
          visit(to);
        } else {
          findings_.push_back({std::string(path), line,
                               fmt::format("closes an include cycle: {} -> {}; move what both need to a third header",
                                           fmt::join(open, trail_.end(), " -> "), to)});
        }
      }
    }
    trail_.pop_back();
  }

  const Graph& graph_;
  std::set<std::string_view> seen_;
  std::vector<std::string_view> trail_;
  Findings findings_;
};

}  // namespace

Findings check_house(const Tree& tree) {
  const Allowed allowed = transitive();
  Findings findings;
  std::map<std::string, std::string_view, std::less<>> sources;  // as an include names them -> their path
  for (const File& file : tree) {
    if (file.path.starts_with("src/")) sources.emplace(file.path.substr(4), file.path);
  }

  std::set<std::string_view> strangers;
  Graph graph;
  for (const File& file : tree) {
    const std::string_view module = module_of(file.path);
    if (module.empty()) continue;
    const auto row = allowed.find(module);
    if (row == allowed.end()) {
      if (strangers.insert(module).second) {
        findings.push_back({file.path, 0,
                            fmt::format("src/{}/ has no row in the include table: add it to ARCHITECTURE.md and to "
                                        "tools/tidy/house.cc",
                                        module)});
      }
      continue;
    }
    for (const Include& include : includes_of(file)) {
      const auto target = sources.find(include.path);
      if (target == sources.end()) {
        if (include.quoted) {
          findings.push_back({file.path, include.line,
                              fmt::format("\"{}\" is no file of src/: an include names its module, as in "
                                          "\"base/error.h\"; other libraries take <>",
                                          include.path)});
        }
        continue;
      }
      graph[file.path].emplace_back(target->second, include.line);
      const std::string_view other = first_folder(include.path);
      if (!row->second.contains(other)) {
        findings.push_back(
            {file.path, include.line,
             fmt::format("{} may not include {} (it may: {}); move the code, or the wall, in ARCHITECTURE.md and "
                         "tools/tidy/house.cc at once",
                         module, include.path, fmt::join(row->second, " "))});
      }
    }
  }
  Findings cycles = CycleFinder(graph).run();
  findings.insert(findings.end(), cycles.begin(), cycles.end());
  return findings;
}

}  // namespace stillwatch::tidy
