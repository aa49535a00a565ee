#include <fmt/format.h>

#include <algorithm>

#include "tidy/rules.h"

namespace stillwatch::tidy {
namespace {

constexpr size_t kSourceLinesMax = 400;

// The length of the UTF-8 sequence at the front of `bytes`; 0 if it is none (RFC 3629: no surrogates, nothing overlong,
// nothing above U+10FFFF).
size_t utf8_length(std::string_view bytes) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || bytes.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool beyond = (lead == 0xED && byte(1) >= 0xA0) || (lead == 0xF4 && byte(1) >= 0x90);
  return overlong || beyond ? 0 : length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void check_lines(const File& file, Findings& findings) {
  const std::string_view name = name_of(file.path);
  const bool tabs_are_syntax = name == "Makefile" || file.path == ".gitmodules";
  const std::vector<std::string_view> lines = lines_of(file.text);
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = lines[i];
    const auto found = [&](const char* message) { findings.push_back({file.path, i + 1, message}); };
    if (!is_utf8(line)) found("bytes that are not UTF-8: save the file as UTF-8, or escape them");
    if (line.ends_with('\r')) {
      found("line ends in CRLF: use LF");
    } else if (line.ends_with(' ') || line.ends_with('\t')) {
      found("trailing white space: remove it");
    }
    if (!tabs_are_syntax && line.find('\t') != std::string_view::npos) found("tab: use spaces (\\t inside a literal)");
  }
  if (!file.text.empty() && file.text.back() != '\n') {
    findings.push_back({file.path, lines.size(), "no line end at the end of the file: add one"});
  }
}

void check_source(const File& file, std::span<const LongFile> long_files, Findings& findings) {
  if (file.path.ends_with(".h") && file.code.find("#pragma once") == std::string::npos) {
    findings.push_back({file.path, 1, "header without #pragma once: add it below the header comment"});
  }
  const size_t lines = lines_of(file.text).size();
  const auto named = [&](const LongFile& entry) { return entry.path == file.path; };
  const bool excused = std::any_of(long_files.begin(), long_files.end(), named);
  if (lines > kSourceLinesMax && !excused) {
    findings.push_back({file.path, lines,
                        fmt::format("{} lines, above {}: split it by what it is about, or give a reason in "
                                    "tools/tidy/layout.cc",
                                    lines, kSourceLinesMax)});
  }
  if (lines <= kSourceLinesMax && excused) {
    findings.push_back({file.path, 0, "is no longer too long: strike it from the list in tools/tidy/layout.cc"});
  }
}

}  // namespace

std::span<const LongFile> allowed_long_files() {
  return {};
}

Findings check_layout(const Tree& tree, std::span<const LongFile> long_files) {
  Findings findings;
  for (const File& file : tree) {
    if (is_text(file.path)) check_lines(file, findings);
    if (is_cpp(file.path)) check_source(file, long_files, findings);
  }
  for (const LongFile& entry : long_files) {
    const auto named = [&](const File& file) { return file.path == entry.path; };
    if (std::none_of(tree.begin(), tree.end(), named)) {
      findings.push_back({std::string(entry.path), 0, "is gone: strike it from the list in tools/tidy/layout.cc"});
    }
  }
  return findings;
}

}  // namespace stillwatch::tidy
