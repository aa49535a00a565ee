#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "tidy/rules.h"

namespace stillwatch::tidy {
namespace {

using ByPath = std::map<std::string, const File*, std::less<>>;

// `name` as a whole word of `text`.
bool names(std::string_view text, std::string_view name) {
  const auto is_part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; };
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const size_t end = at + name.size();
    if ((at == 0 || !is_part(text[at - 1])) && (end == text.size() || !is_part(text[end]))) return true;
  }
  return false;
}

// x for x, x_test, x_fuzz and x_bench: the files that stand side by side for one thing.
std::string subject_of(std::string_view path) {
  std::string_view stem = stem_of(path);
  for (const std::string_view suffix : {"_test", "_fuzz", "_bench"}) {
    if (stem.ends_with(suffix)) stem.remove_suffix(suffix.size());
  }
  return fmt::format("{}/{}", folder_of(path), stem);
}

// The CMakeLists.txt of the folder, or of the nearest one above that has any.
const File* nearest_build_file(std::string_view folder, const ByPath& files) {
  for (;; folder = folder_of(folder)) {
    const auto build = files.find(folder.empty() ? "CMakeLists.txt" : fmt::format("{}/CMakeLists.txt", folder));
    if (build != files.end()) return build->second;
    if (folder.empty()) return nullptr;
  }
}

// A .cc is compiled if the nearest CMakeLists.txt names it, or takes all of its own folder.
bool is_compiled(const File& file, const ByPath& files) {
  const std::string_view folder = folder_of(file.path);
  const File* build = nearest_build_file(folder, files);
  if (build == nullptr) return false;
  const auto says = [&](std::string_view what) { return build->text.find(what) != std::string::npos; };
  const bool takes_all = folder_of(build->path) == folder && (says("stillwatch_module(") || says("GLOB"));
  return takes_all || names(build->text, name_of(file.path));
}

void check_sources(const Tree& tree, const ByPath& files, Findings& findings) {
  // What each header is included by, apart from its own implementation and tests.
  std::set<std::string, std::less<>> used;
  for (const File& file : tree) {
    for (const Include& include : includes_of(file)) {
      const std::string beside = fmt::format("{}/{}", folder_of(file.path), include.path);
      for (const std::string& path : {fmt::format("src/{}", include.path), fmt::format("tools/{}", include.path),
                                      beside, std::string(include.path)}) {
        if (files.contains(path) && subject_of(path) != subject_of(file.path)) used.insert(path);
      }
    }
  }
  for (const File& file : tree) {
    if (file.path.ends_with(".cc") && !is_compiled(file, files)) {
      findings.push_back({file.path, 0, "is not compiled: name it in a CMakeLists.txt, or delete it"});
    }
    if (file.path.ends_with(".h") && !used.contains(file.path)) {
      findings.push_back({file.path, 0, "is included by nothing but its own .cc and tests: use it, or delete both"});
    }
  }
}

void check_build_files(const Tree& tree, const ByPath& files, Findings& findings) {
  for (const File& file : tree) {
    const std::string_view folder = folder_of(file.path);
    if (name_of(file.path) != "CMakeLists.txt" || folder.empty()) continue;
    const File* above = nearest_build_file(folder_of(folder), files);
    if (above == nullptr || !names(above->text, name_of(folder))) {
      findings.push_back({file.path, 0, "is not added by the CMakeLists.txt above it: add_subdirectory, or delete it"});
    }
  }
}

// src/MODULE/fuzz/X/ holds the seeds of src/MODULE/X_fuzz.cc.
void check_seeds(const Tree& tree, const ByPath& files, Findings& findings) {
  std::set<std::string> seeded;
  for (const File& file : tree) {
    const std::string_view path = file.path;
    const size_t at = path.find("/fuzz/");
    if (!path.starts_with("src/") || at == std::string_view::npos) continue;
    const std::string_view rest = path.substr(at + 6);
    const std::string fuzzer =
        fmt::format("{}/{}_fuzz.cc", path.substr(0, at), rest.substr(0, std::min(rest.find('/'), rest.size())));
    if (!files.contains(fuzzer)) {
      findings.push_back(
          {file.path, 0, fmt::format("is a seed without its fuzzer {}: delete one, or add the other", fuzzer)});
    }
    seeded.insert(fuzzer);
  }
  for (const File& file : tree) {
    if (file.path.starts_with("src/") && file.path.ends_with("_fuzz.cc") && !seeded.contains(file.path)) {
      std::string_view stem = stem_of(file.path);
      stem.remove_suffix(5);
      findings.push_back(
          {file.path, 0, fmt::format("has no seeds: put some into {}/fuzz/{}/", folder_of(file.path), stem)});
    }
  }
}

// Documents, rules, scripts, whatever is embedded: somebody has to point at each.
void check_assets(const Tree& tree, Findings& findings) {
  static constexpr std::array<std::string_view, 6> kFolders = {"docs/", "rules/", "web/", "tools/", "cmake/", "src/"};
  for (const File& file : tree) {
    const std::string_view name = name_of(file.path);
    const bool asset = std::any_of(kFolders.begin(), kFolders.end(),
                                   [&](std::string_view folder) { return file.path.starts_with(folder); });
    if (!asset || is_cpp(file.path) || is_fixture(file.path) || name == "CMakeLists.txt") continue;
    const std::string_view shown = name.ends_with(".cmake") ? stem_of(name) : name;
    const bool named = std::any_of(tree.begin(), tree.end(), [&](const File& other) {
      return other.path != file.path && names(other.text, shown);
    });
    if (!named) findings.push_back({file.path, 0, "is named by no other file: link to it, or delete it"});
  }
}

}  // namespace

Findings check_dead_files(const Tree& tree) {
  ByPath files;
  for (const File& file : tree) files.emplace(file.path, &file);
  Findings findings;
  check_sources(tree, files, findings);
  check_build_files(tree, files, findings);
  check_seeds(tree, files, findings);
  check_assets(tree, findings);
  return findings;
}

}  // namespace stillwatch::tidy
