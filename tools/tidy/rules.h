// What tidy holds the tree to. Each rule returns its findings; an empty answer is a clean tree.
#pragma once

#include <span>
#include <string_view>

#include "tidy/tree.h"

namespace stillwatch::tidy {

// The include table of the house, include cycles, folders of src/ the table does not know.
Findings check_house(const Tree& tree);

// Files nothing compiles, includes or names.
Findings check_dead_files(const Tree& tree);

// Calls and words that have a better replacement, which the finding names.
Findings check_bans(const Tree& tree);

// A file that may be longer than the limit, and why.
struct LongFile {
  std::string_view path;
  std::string_view reason;
};

// Tabs, trailing blanks, CRLF, a missing last line end, bytes that are not UTF-8, headers without #pragma once, and
// sources that are too long to be read in one sitting.
Findings check_layout(const Tree& tree, std::span<const LongFile> long_files);
// The long files of this tree.
std::span<const LongFile> allowed_long_files();

}  // namespace stillwatch::tidy
