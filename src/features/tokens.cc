#include "features/tokens.h"

#include <array>
#include <bit>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace stillwatch::features {
namespace {

enum class ByteClass : uint8_t { kSpace, kNewline, kLetter, kDigit, kPunctuation, kHigh };

constexpr std::array<ByteClass, 256> make_classes() {
  std::array<ByteClass, 256> table{};
  for (int b = 0; b < 256; ++b) {
    auto& c = table[static_cast<size_t>(b)];
    if (b == '\n') {
      c = ByteClass::kNewline;
    } else if (b <= ' ' || b == 127) {
      c = ByteClass::kSpace;
    } else if ((b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z')) {
      c = ByteClass::kLetter;
    } else if (b >= '0' && b <= '9') {
      c = ByteClass::kDigit;
    } else {
      c = b < 128 ? ByteClass::kPunctuation : ByteClass::kHigh;
    }
  }
  return table;
}
constexpr auto kClasses = make_classes();

ByteClass class_of(char c) {
  return kClasses[static_cast<unsigned char>(c)];
}

// Multiply-mix over eight bytes at a time: words are short, so a streaming hash would cost more than the walk.
class Hasher {
 public:
  void add(uint64_t word) {
    state_ = (state_ ^ word) * 0x9fb21c651e98df25ULL;
    state_ ^= state_ >> 29;
  }
  // The last bytes of a run, `size` < 8 of them, the others zero.
  void add_rest(uint64_t bytes, size_t size) { add(bytes ^ (uint64_t{size} << 56)); }
  uint64_t finish() const {
    uint64_t x = state_;
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
    return x ^ (x >> 32);
  }

 private:
  uint64_t state_ = 0x2545f4914f6cdd1dULL;
};

static_assert(std::endian::native == std::endian::little, "eight bytes are read as one number, the first lowest");

constexpr uint64_t kEach = 0x0101010101010101ULL;
constexpr uint64_t kHighBits = 0x80 * kEach;
constexpr uint64_t kFoldAscii = 0x20 * kEach;

// Eight bytes from `at`; behind the end are zeros.
uint64_t eight_at(std::string_view text, size_t at) {
  uint64_t bytes = 0;
  if (text.size() - at >= 8) {
    std::memcpy(&bytes, text.data() + at, 8);
  } else {
    std::memcpy(&bytes, text.data() + at, text.size() - at);
  }
  return bytes;
}

// The high bit of each of eight bytes that lies between two ASCII characters. Sums of seven-bit bytes do not carry.
template <char kFirst, char kLast>
uint64_t between(uint64_t bytes) {
  const uint64_t low = bytes & ~kHighBits;
  const uint64_t from = low + (0x80 - kFirst) * kEach;
  const uint64_t beyond = low + (0x7f - kLast) * kEach;
  return from & ~beyond & ~bytes & kHighBits;
}

// How many of eight bytes, from the first, lie there.
template <char kFirst, char kLast>
size_t run_of(uint64_t bytes) {
  return static_cast<size_t>(std::countr_zero(~between<kFirst, kLast>(bytes) & kHighBits)) / 8;  // 64 / 8 if all do
}

// Adds the run of such bytes that begins at text[at] to the hash; its length. Letters are read in lower case.
template <char kFirst, char kLast, uint64_t kFold>
size_t add_run(std::string_view text, size_t at, Hasher& hasher) {
  size_t end = at;
  while (true) {
    const uint64_t bytes = eight_at(text, end);
    const size_t n = run_of<kFirst, kLast>(bytes | kFold);
    end += n;
    if (n == 8) {
      hasher.add(bytes | kFold);
      continue;
    }
    if (n > 0) hasher.add_rest((bytes | kFold) & ((uint64_t{1} << (8 * n)) - 1), n);
    return end - at;
  }
}

// A word that begins at text[at] with a letter; mixed ASCII and other letters end up in one hash of folded code points.
Token word_at(std::string_view text, size_t at) {
  Hasher ascii;
  const size_t length = add_run<'a', 'z', kFoldAscii>(text, at, ascii);
  Token token;
  token.begin = static_cast<uint32_t>(at);
  token.kind = TokenKind::kWord;
  token.script = Script::kLatin;
  token.capital = length > 0 && text[at] <= 'Z';
  if (at + length == text.size() || class_of(text[at + length]) != ByteClass::kHigh) {
    token.hash = ascii.finish();
    token.length = static_cast<uint32_t>(length);
    return token;
  }
  Hasher hasher;
  size_t i = at;
  while (i < text.size()) {
    const ByteClass c = class_of(text[i]);
    if (c == ByteClass::kLetter) {
      hasher.add(static_cast<unsigned char>(text[i]) | 0x20u);
      ++i;
      continue;
    }
    if (c != ByteClass::kHigh) break;
    const CodePoint cp = decode(text.substr(i));
    if (cp.size == 0) break;
    const Letter letter = classify(cp.value);
    if (!letter.letter || letter.alone) break;
    if (i == at) {
      token.capital = letter.upper;
      token.script = letter.script;
    }
    hasher.add(letter.folded);
    i += cp.size;
  }
  token.hash = i == at + length ? ascii.finish() : hasher.finish();  // a quotation mark or a dash may have followed
  token.length = static_cast<uint32_t>(i - at);
  return token;
}

// The classes of 64 ASCII bytes, one bit a byte, the first lowest.
struct Block {
  uint64_t letters = 0;
  uint64_t digits = 0;
  uint64_t spaces = 0;  // newlines too
  uint64_t newlines = 0;
};

constexpr size_t kBlockBytes = 64;

// False if a byte is not ASCII.
#ifdef __SSE2__
bool classify_block(const char* text, Block& out) {
  uint64_t high = 0;
  for (size_t i = 0; i < kBlockBytes; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i));
    // Compared as signed numbers: bytes that are not ASCII are below all others.
    const auto bits = [i](__m128i mask) { return uint64_t(uint32_t(_mm_movemask_epi8(mask))) << i; };
    const auto is = [](__m128i b, char c) { return _mm_cmpeq_epi8(b, _mm_set1_epi8(c)); };
    const auto within = [](__m128i b, char first, char last) {
      return _mm_and_si128(_mm_cmpgt_epi8(b, _mm_set1_epi8(static_cast<char>(first - 1))),
                           _mm_cmplt_epi8(b, _mm_set1_epi8(static_cast<char>(last + 1))));
    };
    high |= bits(bytes);
    out.letters |= bits(within(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z'));
    out.digits |= bits(within(bytes, '0', '9'));
    out.spaces |= bits(_mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(' ' + 1)), is(bytes, '\x7f')));
    out.newlines |= bits(is(bytes, '\n'));
  }
  return high == 0;
}
#else
bool classify_block(const char* text, Block& out) {
  uint64_t high = 0;
  for (size_t i = 0; i < kBlockBytes; i += 8) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, text + i, 8);
    high |= bytes;
    // Gathers the high bits of eight bytes into one byte.
    const auto gathered = [i](uint64_t bits) { return ((bits >> 7) * 0x0102040810204080ULL >> 56) << i; };
    out.letters |= gathered(between<'a', 'z'>(bytes | kFoldAscii));
    out.digits |= gathered(between<'0', '9'>(bytes));
    out.spaces |= gathered(between<'\0', ' '>(bytes) | between<'\x7f', '\x7f'>(bytes));
    out.newlines |= gathered(between<'\n', '\n'>(bytes));
  }
  return (high & kHighBits) == 0;
}
#endif

// The hash of the `length` letters at `text`, of which eight more bytes can be read.
template <uint64_t kFold>
uint64_t hash_of_run(const char* text, size_t length) {
  Hasher hasher;
  for (;; text += 8, length -= 8) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, text, 8);
    bytes |= kFold;
    if (length < 8) {
      if (length > 0) hasher.add_rest(bytes & ((uint64_t{1} << (8 * length)) - 1), length);
      return hasher.finish();
    }
    hasher.add(bytes);
  }
}

// Reads the tokens that begin at text[at] or later and end before the next 64 bytes do, where these are ASCII; how many
// bytes that were, 0 if this is no place for it. Words are told apart by bits, so that one need not wait for the other.
size_t read_block(std::string_view text, size_t at, Token* tokens, size_t& count) {
  if (text.size() - at < kBlockBytes + 8) return 0;
  const char* const begin = text.data() + at;
  Block block;
  if (!classify_block(begin, block)) return 0;
  const uint64_t runs = block.letters | block.digits;
  uint64_t starts = (block.letters & ~(block.letters << 1)) | (block.digits & ~(block.digits << 1)) | block.newlines |
                    ~(runs | block.spaces);
  while (starts != 0) {
    const auto p = static_cast<size_t>(std::countr_zero(starts));
    const uint64_t bit = uint64_t{1} << p;
    const auto run = [p](uint64_t bits) { return static_cast<size_t>(std::countr_one(bits >> p)); };
    Token& token = tokens[count];
    token.begin = static_cast<uint32_t>(at + p);
    token.script = Script::kNone;
    token.capital = false;
    size_t length = 1;
    if (block.letters & bit) {
      length = run(block.letters);
      if (p + length == kBlockBytes) return p;
      token.hash = hash_of_run<kFoldAscii>(begin + p, length);
      token.kind = TokenKind::kWord;
      token.script = Script::kLatin;
      token.capital = begin[p] <= 'Z';
    } else if (block.digits & bit) {
      length = run(block.digits);
      if (p + length == kBlockBytes) return p;
      token.hash = hash_of_run<0>(begin + p, length);
      token.kind = TokenKind::kNumber;
    } else if (block.newlines & bit) {
      length = run(block.spaces);
      if (p + length == kBlockBytes) return p;
      token.hash = '\n';
      token.kind = TokenKind::kNewline;
    } else {
      token.hash = static_cast<unsigned char>(begin[p]);
      token.kind = TokenKind::kPunctuation;
    }
    token.length = static_cast<uint32_t>(length);
    ++count;
    starts &= ~uint64_t{0} << p << (length - 1) << 1;
  }
  return kBlockBytes;
}

}  // namespace

std::span<const Token> tokenize(std::string_view text, std::vector<Token>& storage) {
  if (storage.size() < text.size()) storage.resize(text.size());
  Token* const tokens = storage.data();
  size_t count = 0;
  size_t i = 0;
  while (i < text.size()) {
    if (const size_t read = read_block(text, i, tokens, count); read > 0) {
      i += read;
      continue;
    }
    switch (class_of(text[i])) {
      case ByteClass::kSpace:
        ++i;
        break;
      case ByteClass::kNewline: {
        const size_t begin = i;
        while (i < text.size() && (class_of(text[i]) == ByteClass::kNewline || class_of(text[i]) == ByteClass::kSpace))
          ++i;
        tokens[count++] = {'\n', static_cast<uint32_t>(begin), static_cast<uint32_t>(i - begin), TokenKind::kNewline};
        break;
      }
      case ByteClass::kLetter:
        tokens[count] = word_at(text, i);
        i += tokens[count++].length;
        break;
      case ByteClass::kDigit: {
        Hasher hasher;
        const size_t length = add_run<'0', '9', 0>(text, i, hasher);
        tokens[count++] = {hasher.finish(), static_cast<uint32_t>(i), static_cast<uint32_t>(length),
                           TokenKind::kNumber};
        i += length;
        break;
      }
      case ByteClass::kPunctuation:
        tokens[count++] = {static_cast<unsigned char>(text[i]), static_cast<uint32_t>(i), 1, TokenKind::kPunctuation};
        ++i;
        break;
      case ByteClass::kHigh: {
        const CodePoint cp = decode(text.substr(i));
        const Letter letter = cp.size > 0 ? classify(cp.value) : Letter{};
        if (letter.letter && !letter.alone) {
          tokens[count] = word_at(text, i);
          i += tokens[count++].length;
          break;
        }
        Hasher hasher;
        hasher.add(cp.size > 0 ? cp.value : static_cast<unsigned char>(text[i]));
        const uint32_t size = cp.size > 0 ? cp.size : 1;
        if (cp.value == 0xa0 || (cp.value >= 0x2000 && cp.value <= 0x200f) || cp.value == 0x3000 ||
            cp.value == 0xfeff) {
          i += size;  // no-break, ideographic and zero-width spaces
          break;
        }
        tokens[count++] = {hasher.finish(), static_cast<uint32_t>(i), size,
                           letter.alone ? TokenKind::kIdeograph : TokenKind::kPunctuation, letter.script};
        i += size;
        break;
      }
    }
  }
  return {tokens, count};
}

uint64_t word_hash(std::string_view word) {
  std::vector<Token> storage;
  const std::span<const Token> tokens = tokenize(word, storage);
  return tokens.size() == 1 ? tokens.front().hash : 0;
}

}  // namespace stillwatch::features
