#include "report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace stillwatch::report {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Control and format characters, and what looks like nothing: all of them could make one name pass for another.
constexpr auto kUnseen = std::to_array<Range>({{0x00, 0x1f},
                                               {0x7f, 0x9f},
                                               {0xad, 0xad},
                                               {0x34f, 0x34f},
                                               {0x61c, 0x61c},
                                               {0x115f, 0x1160},
                                               {0x17b4, 0x17b5},
                                               {0x180b, 0x180f},
                                               {0x200b, 0x200f},
                                               {0x2028, 0x202e},
                                               {0x2060, 0x206f},
                                               {0x3164, 0x3164},
                                               {0xd800, 0xf8ff},
                                               {0xfe00, 0xfe0f},
                                               {0xfeff, 0xfeff},
                                               {0xffa0, 0xffa0},
                                               {0xfff0, 0xfffb},
                                               {0xfffe, 0xffff},
                                               {0xe0000, 0x10ffff}});
// The blocks that terminals draw twice as wide (Unicode, East Asian Width W and F), coarsely.
constexpr auto kWide = std::to_array<Range>({{0x1100, 0x115f},
                                             {0x2e80, 0x303e},
                                             {0x3041, 0xa4cf},
                                             {0xa960, 0xa97c},
                                             {0xac00, 0xd7a3},
                                             {0xf900, 0xfaff},
                                             {0xfe30, 0xfe6f},
                                             {0xff01, 0xff60},
                                             {0xffe0, 0xffe6},
                                             {0x1f300, 0x1f64f},
                                             {0x1f680, 0x1f6ff},
                                             {0x1f900, 0x1faff},
                                             {0x20000, 0x3fffd}});
constexpr auto kCombining = std::to_array<Range>({{0x300, 0x34e}, {0x350, 0x36f}, {0x1ab0, 0x1aff}, {0x20d0, 0x20ff}});

bool within(std::span<const Range> ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(), [c](Range r) { return r.first <= c && c <= r.last; });
}

struct Glyph {
  size_t bytes = 1;
  size_t columns = 1;
  bool fit = false;  // to be shown as it is
};

// The character at the front of `text`, which is not empty; a byte that begins none is unfit by itself.
Glyph glyph_at(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, 1, lead >= 0x20 && lead != 0x7f};
  const size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  char32_t c = lead & (0xff >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    c = c << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};  // for so many bytes, else overlong
  if (c < kLeast[bytes]) return {};
  if (within(kUnseen, c)) return {bytes, 1, false};
  return {bytes, within(kCombining, c) ? 0u : within(kWide, c) ? 2u : 1u, true};
}

}  // namespace

std::string printable(std::string_view text, size_t columns) {
  std::string out;
  size_t used = 0;
  size_t cut = 0;  // where "..." may begin
  while (!text.empty()) {
    const Glyph glyph = glyph_at(text);
    if (used + glyph.columns > columns) return out.substr(0, cut) + "...";
    out += glyph.fit ? text.substr(0, glyph.bytes) : "?";
    used += glyph.columns;
    if (used + 3 <= columns) cut = out.size();
    text.remove_prefix(glyph.bytes);
  }
  return out;
}

size_t columns_of(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const Glyph glyph = glyph_at(text);
    columns += glyph.columns;
    text.remove_prefix(glyph.bytes);
  }
  return columns;
}

double finite_or(double value, double otherwise) {
  return std::isfinite(value) ? value : otherwise;
}

std::string p_value_text(const signals::Evidence& e) {
  const double p = finite_or(e.p_value, 1);
  if (e.extrapolated) return fmt::format("{:.1g} (extrapolated)", p);
  constexpr double kRounding = 1.0001;
  if (p <= e.resolution * kRounding && p < 1) return fmt::format("<= {:.2g} (resolution)", p);
  return fmt::format("{:.2g}", p);
}

std::string amount_text(double value) {
  const double v = finite_or(value, 0);
  if (v >= 1e9) return fmt::format("{:.1f} G", v / 1e9);
  if (v >= 1e6) return fmt::format("{:.1f} M", v / 1e6);
  if (v >= 1e4) return fmt::format("{:.0f} k", v / 1e3);
  return count_text(static_cast<uint64_t>(std::llround(std::max(v, 0.0))));
}

std::string harmless(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

std::string count_text(uint64_t value) {
  std::string out = std::to_string(value);
  for (size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, 1, ',');
  return out;
}

}  // namespace stillwatch::report
