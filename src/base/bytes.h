// Writing and reading bytes: little-endian fixed words and LEB128 varints. A Reader never runs past its input: after
// the first short or malformed field it is `failed()` and every further read gives zero, so callers check once.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace stillwatch::base {

class Writer {
 public:
  Writer() = default;
  explicit Writer(std::string begin) : bytes_(std::move(begin)) {}  // appends to it

  void u8(uint8_t v) { bytes_.push_back(static_cast<char>(v)); }
  void u32(uint32_t v) { fixed(v); }
  void u64(uint64_t v) { fixed(v); }
  void f64(double v) { fixed(v); }
  void varint(uint64_t v) {
    for (; v >= 0x80; v >>= 7) u8(static_cast<uint8_t>(v | 0x80));
    u8(static_cast<uint8_t>(v));
  }
  void zigzag(int64_t v) { varint((static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63)); }
  void text(std::string_view s) {
    varint(s.size());
    bytes_.append(s);
  }
  void raw(const void* data, size_t size) { bytes_.append(static_cast<const char*>(data), size); }
  std::string take() { return std::move(bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  template <typename T>
  void fixed(T v) {
    char raw[sizeof v];
    std::memcpy(raw, &v, sizeof v);
    bytes_.append(raw, sizeof v);
  }
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  uint8_t u8() { return fixed<uint8_t>(); }
  uint32_t u32() { return fixed<uint32_t>(); }
  uint64_t u64() { return fixed<uint64_t>(); }
  double f64() { return fixed<double>(); }
  uint64_t varint() {
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint64_t b = u8();
      v |= (b & 0x7f) << shift;
      if (b < 0x80) return failed_ ? 0 : v;
    }
    fail();
    return 0;
  }
  int64_t zigzag() {
    const uint64_t v = varint();
    return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
  }
  std::string_view text(size_t size_max) {
    const uint64_t size = varint();
    if (size > size_max || size > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view s = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return s;
  }
  void fail() {
    failed_ = true;
    rest_ = {};
  }
  bool failed() const { return failed_; }
  bool done() const { return rest_.empty() && !failed_; }
  size_t remaining() const { return rest_.size(); }

 private:
  template <typename T>
  T fixed() {
    T v{};
    if (rest_.size() < sizeof v) {
      fail();
      return v;
    }
    std::memcpy(&v, rest_.data(), sizeof v);
    rest_.remove_prefix(sizeof v);
    return v;
  }
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace stillwatch::base
