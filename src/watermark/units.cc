#include "watermark/units.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "base/hash.h"

namespace stillwatch::watermark {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

// Punctuation, symbols, what cannot be seen and what is private; all below 0x80 that is no letter or digit too.
constexpr Range kSeparators[] = {{0x80, 0xbf},     {0xd7, 0xd7},       {0xf7, 0xf7},       {0x2000, 0x2bff},
                                 {0x2e00, 0x2e7f}, {0x3000, 0x303f},   {0xe000, 0xf8ff},   {0xfe00, 0xfe6f},
                                 {0xff00, 0xff0f}, {0xff1a, 0xff20},   {0xff3b, 0xff40},   {0xff5b, 0xff65},
                                 {0xfff0, 0xffff}, {0x1f000, 0x1faff}, {0xe0000, 0x10ffff}};
// Thai, Lao, Burmese, Khmer, kana, bopomofo, Han.
constexpr Range kSingles[] = {{0x0e00, 0x0eff}, {0x1000, 0x109f}, {0x1780, 0x17ff},  {0x3040, 0x312f},
                              {0x3400, 0x9fff}, {0xf900, 0xfaff}, {0x20000, 0x3ffff}};

template <size_t N>
bool within(const Range (&ranges)[N], uint32_t c) {
  return std::any_of(std::begin(ranges), std::end(ranges), [c](Range r) { return r.first <= c && c <= r.last; });
}

enum class Kind : uint8_t { kSeparator, kPart, kAlone };

struct Character {
  Kind kind = Kind::kSeparator;
  size_t size = 1;  // bytes
};

// REQUIRES: text not empty.
Character character_at(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  const uint32_t lead = byte(0);
  if (lead < 0x80) {
    const uint32_t lower = lead | 0x20;
    const bool part = (lower >= 'a' && lower <= 'z') || (lead >= '0' && lead <= '9');
    return {part ? Kind::kPart : Kind::kSeparator, 1};
  }
  const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
  uint32_t c = lead & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    c = c << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};  // for so many bytes, else overlong
  if (c < kLeast[size] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff) return {};
  if (within(kSeparators, c)) return {Kind::kSeparator, size};
  return {within(kSingles, c) ? Kind::kAlone : Kind::kPart, size};
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

void append_words(std::string_view text, std::vector<Unit>& out) {
  std::string word;
  const auto close = [&] {
    if (!word.empty()) out.push_back(base::hash64(word));
    word.clear();
  };
  while (!text.empty()) {
    const Character c = character_at(text);
    if (c.kind != Kind::kPart) close();
    if (c.kind == Kind::kAlone) {
      out.push_back(base::hash64(text.substr(0, c.size)));
    } else if (c.kind == Kind::kPart) {
      word.append(text.substr(0, c.size));
      if (char& last = word.back(); last >= 'A' && last <= 'Z') last = static_cast<char>(last + ('a' - 'A'));
    }
    text.remove_prefix(c.size);
  }
  close();
}

std::vector<Unit> words_of(std::string_view text) {
  std::vector<Unit> out;
  append_words(text, out);
  return out;
}

size_t sentence_end(std::string_view text) {
  constexpr std::string_view kIdeographicStop = "\xe3\x80\x82";
  constexpr std::string_view kClosing = "\"')]*_";
  // Numbers of a list and titles of persons are no sentences.
  constexpr size_t kBytesMin = 20;
  const size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  for (size_t i = begin + kBytesMin; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') return i;
    if (text.substr(i, kIdeographicStop.size()) == kIdeographicStop) return i + kIdeographicStop.size();
    if (c != '.' && c != '!' && c != '?') continue;
    size_t end = i + 1;
    while (end < text.size() && kClosing.find(text[end]) != kClosing.npos) ++end;
    if (end == text.size() || is_space(text[end])) return end;
  }
  return text.size();
}

}  // namespace stillwatch::watermark
