#include "features/letters.h"

namespace stillwatch::features {

CodePoint decode(std::string_view s) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(s[i])); };
  const auto tail = [&](size_t i) { return i < s.size() && (byte(i) & 0xc0) == 0x80; };
  const uint32_t b = byte(0);
  if (b >= 0xc2 && b < 0xe0 && tail(1)) return {((b & 0x1f) << 6) | (byte(1) & 0x3f), 2};
  if (b >= 0xe0 && b < 0xf0 && tail(1) && tail(2)) {
    const uint32_t v = ((b & 0x0f) << 12) | ((byte(1) & 0x3f) << 6) | (byte(2) & 0x3f);
    if (v >= 0x800 && (v < 0xd800 || v > 0xdfff)) return {v, 3};
  }
  if (b >= 0xf0 && b < 0xf5 && tail(1) && tail(2) && tail(3)) {
    const uint32_t v = ((b & 0x07) << 18) | ((byte(1) & 0x3f) << 12) | ((byte(2) & 0x3f) << 6) | (byte(3) & 0x3f);
    if (v >= 0x10000 && v <= 0x10ffff) return {v, 4};
  }
  return {};
}

Letter classify(uint32_t c) {
  const auto plain = [&](Script s) { return Letter{true, false, false, c, s}; };
  if (c < 0xc0) return {c == 0xaa || c == 0xb5 || c == 0xba, false, false, c, Script::kLatin};
  if (c < 0x250) {
    if (c == 0xd7 || c == 0xf7) return {};
    if (c <= 0xde) return {true, false, true, c + 32, Script::kLatin};
    if (c >= 0x100 && c < 0x180 && c != 0x138 && c != 0x149 && c != 0x17f) {
      // Latin Extended-A alternates upper and lower; the parity flips twice.
      const bool odd_is_upper = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e);
      const bool upper = odd_is_upper ? (c & 1) == 1 : (c & 1) == 0;
      return {true, false, upper, upper ? c + 1 : c, Script::kLatin};
    }
    return plain(Script::kLatin);
  }
  if (c < 0x370) return {c >= 0x300 || c < 0x2b0, false, false, c, Script::kLatin};
  if (c < 0x400) {
    if (c >= 0x391 && c <= 0x3a9) return {true, false, true, c + 32, Script::kGreek};
    return plain(Script::kGreek);
  }
  if (c < 0x530) {
    if (c >= 0x410 && c <= 0x42f) return {true, false, true, c + 32, Script::kCyrillic};
    if (c <= 0x40f) return {true, false, true, c + 80, Script::kCyrillic};
    return plain(Script::kCyrillic);
  }
  if (c < 0x590) {
    if (c >= 0x531 && c <= 0x556) return {true, false, true, c + 48, Script::kOther};
    return plain(Script::kOther);
  }
  if (c < 0x600) return plain(Script::kOther);
  if (c < 0x780) return {c >= 0x620 && c != 0x66a && c != 0x6d4, false, false, c, Script::kArabic};
  if (c < 0x900) return plain(Script::kOther);
  if (c < 0xe00) return {c != 0x964 && c != 0x965, false, false, c, Script::kIndic};
  if (c < 0x1100) return {true, c < 0xf00, false, c, Script::kOther};  // Thai and Lao write without spaces
  if (c < 0x2000) return plain(Script::kOther);
  if (c < 0x3040) return {c >= 0x2c00 && c < 0x2e00, false, false, c, Script::kOther};
  if (c < 0x3100) return {c != 0x30fb, true, false, c, Script::kKana};
  if (c < 0x3400) return {c < 0x3200, true, false, c, Script::kHan};
  if (c < 0xa000) return {true, true, false, c, Script::kHan};
  if (c < 0xac00) return plain(Script::kOther);
  if (c < 0xd800) return plain(Script::kOther);  // Hangul syllables: Korean writes spaces
  if (c >= 0xf900 && c < 0xfb00) return {true, true, false, c, Script::kHan};
  if (c >= 0xfb50 && c < 0xfe00) return plain(Script::kArabic);
  if (c >= 0xff21 && c <= 0xff3a) return {true, false, true, c + 32, Script::kLatin};
  if (c >= 0xff41 && c <= 0xff5a) return plain(Script::kLatin);
  if (c >= 0x20000 && c < 0x32000) return {true, true, false, c, Script::kHan};
  if (c >= 0x10000 && c < 0x1d000) return plain(Script::kOther);
  return {};
}

}  // namespace stillwatch::features
