// The source tree as tidy sees it: every file once, in memory, in the order of its path. The rules are pure functions
// from a Tree to Findings, so that each can be tried on a tree of two lines.
//
// Bounds: files above 4 MiB keep their path but not their text. Ignored folders are those .gitignore names with a
// trailing slash, and hidden ones except .ci and .github.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace stillwatch::tidy {

struct File {
  std::string path;  // from the root of the tree, '/' between names
  std::string text;  // empty if the file is binary or too large
  std::string code;  // C++ only: the text with comments and the insides of literals blanked, byte for byte in place
};

using Tree = std::vector<File>;

struct Finding {
  std::string path;
  size_t line = 0;  // from 1; 0 if the finding is about the whole file
  std::string message;
};
using Findings = std::vector<Finding>;

base::Result<Tree> read_tree(const std::filesystem::path& root);
File make_file(std::string path, std::string text);

// Comments and the insides of string and character literals become blanks; line breaks and every other byte stay.
std::string blank_comments_and_literals(std::string_view text);

bool is_cpp(std::string_view path);
// Seeds of fuzzers, goldens and test data: bytes, hostile on purpose.
bool is_fixture(std::string_view path);
// Written by people and read as lines: sources, build files, scripts, documents, settings. Never a fixture.
bool is_text(std::string_view path);
std::string_view folder_of(std::string_view path);  // "" for a file in the root
std::string_view name_of(std::string_view path);
std::string_view stem_of(std::string_view path);  // the name up to its last dot

std::vector<std::string_view> lines_of(std::string_view text);
std::vector<std::string_view> words_of(std::string_view text);  // split at blanks

struct Include {
  std::string_view path;
  bool quoted;
  size_t line;
};
std::vector<Include> includes_of(const File& file);

}  // namespace stillwatch::tidy
