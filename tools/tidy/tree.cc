#include "tidy/tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iterator>
#include <utility>

namespace stillwatch::tidy {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFileBytesMax = 4u << 20;

template <size_t n>
bool contains(const std::array<std::string_view, n>& set, std::string_view item) {
  return std::find(set.begin(), set.end(), item) != set.end();
}

bool has_folder(std::string_view path, std::string_view folder) {
  return fmt::format("/{}/", folder_of(path)).find(fmt::format("/{}/", folder)) != std::string::npos;
}

std::vector<std::string> ignored_folders(const fs::path& root) {
  std::vector<std::string> ignored;
  std::ifstream in(root / ".gitignore");
  for (std::string line; std::getline(in, line);) {
    if (line.size() < 2 || line.back() != '/') continue;
    ignored.push_back(line.substr(0, line.size() - 1));
  }
  return ignored;
}

bool is_ignored(const std::string& path, const std::vector<std::string>& ignored) {
  const std::string_view name = name_of(path);
  if (name.starts_with('.') && name != ".ci" && name != ".github") return true;
  return std::any_of(ignored.begin(), ignored.end(),
                     [&](const std::string& entry) { return entry == name || entry == "/" + path; });
}

// 65'536 and 0xdead'beef: the word the quote stands in begins with a digit; in u8'a' it does not.
bool separates_digits(std::string_view text, size_t quote) {
  const auto in_number = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '\'';
  };
  size_t start = quote;
  while (start > 0 && in_number(text[start - 1])) --start;
  return start < quote && std::isdigit(static_cast<unsigned char>(text[start])) != 0;
}

}  // namespace

bool is_cpp(std::string_view path) {
  return path.ends_with(".cc") || path.ends_with(".h");
}

bool is_fixture(std::string_view path) {
  return has_folder(path, "fuzz") || has_folder(path, "golden") || has_folder(path, "testdata");
}

bool is_text(std::string_view path) {
  if (is_fixture(path)) return false;
  static constexpr std::array<std::string_view, 14> kEndings = {"cc",  "h",  "md",   "txt", "cmake", "json", "yaml",
                                                                "yml", "sh", "html", "css", "js",    "svg",  "jsonl"};
  const std::string_view name = name_of(path);
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 || contains(kEndings, name.substr(dot + 1));
}

std::string_view folder_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string_view stem_of(std::string_view path) {
  const std::string_view name = name_of(path);
  return name.substr(0, name.rfind('.'));
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t start = text.find_first_not_of(" \n"); start != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(" \n", start), text.size());
    words.push_back(text.substr(start, end - start));
    start = text.find_first_not_of(" \n", end);
  }
  return words;
}

std::string blank_comments_and_literals(std::string_view text) {
  std::string out(text);
  size_t at = 0;
  const auto blank_to = [&](size_t end) {
    for (end = std::min(end, text.size()); at < end; ++at) {
      if (out[at] != '\n') out[at] = ' ';
    }
  };
  // The end of what `stop` closes, past it; the whole rest if nothing does.
  const auto past = [&](std::string_view stop, size_t from) {
    const size_t found = text.find(stop, from);
    return found == std::string_view::npos ? text.size() : found + stop.size();
  };

  while (at < text.size()) {
    const char c = text[at];
    if (text.substr(at, 2) == "//") {
      size_t end = at;
      do {
        end = std::min(text.find('\n', end + 1), text.size());
      } while (end < text.size() && text[end - 1] == '\\');
      blank_to(end);
    } else if (text.substr(at, 2) == "/*") {
      blank_to(past("*/", at + 2));
    } else if (c == '"' && at > 0 && text[at - 1] == 'R') {
      const size_t open = std::min(text.find('(', at), text.size());
      const std::string close = fmt::format("){}\"", text.substr(at + 1, open - std::min(open, at + 1)));
      const size_t end = past(close, open);
      ++at;
      blank_to(end - 1);
      ++at;
    } else if (c == '"' || (c == '\'' && !separates_digits(text, at))) {
      size_t end = at + 1;
      while (end < text.size() && text[end] != c && text[end] != '\n') end += text[end] == '\\' ? 2 : 1;
      ++at;
      blank_to(end);
      ++at;
    } else {
      ++at;
    }
  }
  return out;
}

std::vector<Include> includes_of(const File& file) {
  std::vector<Include> found;
  const std::vector<std::string_view> text = lines_of(file.text);
  const std::vector<std::string_view> code = lines_of(file.code);
  for (size_t i = 0; i < code.size(); ++i) {
    const size_t hash = code[i].find_first_not_of(' ');
    if (hash == std::string_view::npos || code[i][hash] != '#') continue;
    const size_t directive = code[i].find_first_not_of(' ', hash + 1);
    if (directive == std::string_view::npos || !code[i].substr(directive).starts_with("include")) continue;
    const size_t open = code[i].find_first_of("\"<", directive);
    if (open == std::string_view::npos) continue;
    const bool quoted = code[i][open] == '"';
    const size_t close = text[i].find(quoted ? '"' : '>', open + 1);
    if (close == std::string_view::npos) continue;
    found.push_back({text[i].substr(open + 1, close - open - 1), quoted, i + 1});
  }
  return found;
}

File make_file(std::string path, std::string text) {
  File file{std::move(path), std::move(text), {}};
  if (is_cpp(file.path)) file.code = blank_comments_and_literals(file.text);
  return file;
}

base::Result<Tree> read_tree(const fs::path& root) {
  const std::vector<std::string> ignored = ignored_folders(root);
  Tree tree;
  std::error_code error;
  fs::recursive_directory_iterator it(root, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::string path = it->path().lexically_relative(root).generic_string();
    if (it->is_directory(error)) {
      if (is_ignored(path, ignored)) it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file(error) || path == ".git") continue;  // a file where the tree is one of several
    std::string text;
    if (is_text(path) && it->file_size(error) <= kFileBytesMax) {
      std::ifstream in(it->path(), std::ios::binary);
      text.assign(std::istreambuf_iterator<char>(in), {});
      if (!in.good() && !in.eof()) return base::fail(base::ErrorCode::kInput, fmt::format("{}: cannot be read", path));
    }
    tree.push_back(make_file(std::move(path), std::move(text)));
  }
  if (error) {
    return base::fail(base::ErrorCode::kInput,
                      fmt::format("{}: {}; name the root of the source tree", root.string(), error.message()));
  }
  std::sort(tree.begin(), tree.end(), [](const File& a, const File& b) { return a.path < b.path; });
  return tree;
}

}  // namespace stillwatch::tidy
