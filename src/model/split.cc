#include "model/split.h"

#include <utf8proc.h>

#include <algorithm>

namespace stillwatch::model {
namespace {

enum class Kind : uint8_t { kLetter, kNumber, kSpace, kOther, kEnd };

struct Step {
  Kind kind;
  size_t bytes;
  char byte;  // the first
};

Kind kind_of(int32_t c) {
  if (c < 0) return Kind::kOther;
  if ((c >= 9 && c <= 13) || c == 0x85) return Kind::kSpace;
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return Kind::kLetter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return Kind::kNumber;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return Kind::kSpace;
    default:
      return Kind::kOther;
  }
}

Step step(std::string_view text, size_t at) {
  if (at >= text.size()) return {Kind::kEnd, 0, 0};
  const char c = text[at];
  if (static_cast<unsigned char>(c) < 0x80) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return {Kind::kLetter, 1, c};
    if (c >= '0' && c <= '9') return {Kind::kNumber, 1, c};
    return {c == ' ' || (c >= 9 && c <= 13) ? Kind::kSpace : Kind::kOther, 1, c};
  }
  const CodePoint p = first_code_point(text.substr(at));
  return {kind_of(p.value), p.bytes, c};
}

// The end of a run of one kind, of at most `max` characters.
size_t run(std::string_view text, size_t at, Kind kind, size_t max = SIZE_MAX) {
  for (; max > 0; --max) {
    const Step s = step(text, at);
    if (s.kind != kind) break;
    at += s.bytes;
  }
  return at;
}

bool is_line_end(char c) {
  return c == '\r' || c == '\n';
}

// 's 't 're 've 'm 'll 'd
size_t contraction(std::string_view text, bool any_case) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  const auto low = [&](size_t i) {
    const char c = i < text.size() ? text[i] : '\0';
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  };
  const char a = low(1);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
  const char b = low(2);
  return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

// White space that is not all: its last character goes with the word behind it.
size_t blanks(std::string_view text) {
  size_t end = 0;
  size_t last = 0;
  for (Step s = step(text, 0); s.kind == Kind::kSpace; s = step(text, end)) {
    last = end;
    end += s.bytes;
  }
  return end == text.size() || last == 0 ? end : last;
}

size_t gpt2_word(std::string_view text) {
  if (const size_t n = contraction(text, false); n > 0) return n;
  const size_t from = text[0] == ' ' ? 1 : 0;
  const Kind kind = step(text, from).kind;
  if (kind == Kind::kLetter || kind == Kind::kNumber || kind == Kind::kOther) return run(text, from, kind);
  return blanks(text);
}

size_t modern_word(std::string_view text, size_t digits_max) {
  if (const size_t n = contraction(text, true); n > 0) return n;
  const Step first = step(text, 0);
  if (first.kind == Kind::kLetter) return run(text, 0, Kind::kLetter);
  if (first.kind != Kind::kNumber && !is_line_end(first.byte) && step(text, first.bytes).kind == Kind::kLetter)
    return run(text, first.bytes, Kind::kLetter);
  if (first.kind == Kind::kNumber) return run(text, 0, Kind::kNumber, digits_max);
  const size_t from = first.byte == ' ' ? 1 : 0;
  if (step(text, from).kind == Kind::kOther) {
    size_t end = run(text, from, Kind::kOther);
    while (end < text.size() && is_line_end(text[end])) ++end;
    return end;
  }
  // Blanks up to the last line end among them.
  const std::string_view space = text.substr(0, run(text, 0, Kind::kSpace));
  const size_t line_end = space.find_last_of("\r\n");
  return line_end != std::string_view::npos ? line_end + 1 : blanks(text);
}

}  // namespace

CodePoint first_code_point(std::string_view text) {
  utf8proc_int32_t value = 0;
  const auto size = static_cast<utf8proc_ssize_t>(std::min<size_t>(text.size(), 4));
  const auto n = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), size, &value);
  if (n <= 0) return {-1, 1};
  return {value, static_cast<size_t>(n)};
}

void each_word(std::string_view text, const Split& split, const std::function<void(std::string_view)>& visit) {
  while (!text.empty()) {
    size_t end = text.size();
    if (split.single_digits) {
      const Step first = step(text, 0);
      end = first.bytes;
      if (first.kind != Kind::kNumber) {
        for (Step s = step(text, end); s.kind != Kind::kNumber && s.kind != Kind::kEnd; s = step(text, end))
          end += s.bytes;
      }
    }
    for (std::string_view part = text.substr(0, end); !part.empty();) {
      const size_t n = split.pattern == Pattern::kWhole  ? part.size()
                       : split.pattern == Pattern::kGpt2 ? gpt2_word(part)
                                                         : modern_word(part, split.digits_max);
      visit(part.substr(0, n));
      part.remove_prefix(n);
    }
    text.remove_prefix(end);
  }
}

}  // namespace stillwatch::model
