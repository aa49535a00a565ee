#include "watermark/key.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace stillwatch::watermark {
namespace {

static_assert(std::endian::native == std::endian::little, "units are hashed as they lie in memory");

// Like every name of a construction: a second version gets another prefix, and other keys.
constexpr std::string_view kPrefix = "stillwatch/watermark/1";

}  // namespace

uint64_t Key::prf(std::span<const Unit> window) const {
  static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8);
  uint64_t out = 0;
  crypto_shorthash(reinterpret_cast<unsigned char*>(&out), reinterpret_cast<const unsigned char*>(window.data()),
                   window.size_bytes(), bytes_.data());
  return out;
}

MasterKey::MasterKey(std::span<const uint8_t, kBytes> bytes) {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

base::Result<MasterKey> MasterKey::parse(std::string_view hex) {
  std::array<uint8_t, kBytes> bytes{};
  size_t size = 0;
  const char* end = nullptr;
  const bool read = sodium_hex2bin(bytes.data(), bytes.size(), hex.data(), hex.size(), " \t\r\n", &size, &end) == 0;
  if (!read || size != kBytes || end != hex.data() + hex.size()) {
    return base::fail(base::ErrorCode::kInput,
                      "this is no master key of 64 hexadecimal digits: `stillwatch watermark key` makes one");
  }
  return MasterKey(bytes);
}

Key MasterKey::derive(std::string_view label) const {
  std::array<uint8_t, 24> out{};
  crypto_generichash_state state;
  crypto_generichash_init(&state, bytes_.data(), bytes_.size(), out.size());
  const auto add = [&](std::string_view text) {
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  };
  add(kPrefix);
  add(std::string_view("\0", 1));
  add(label);
  crypto_generichash_final(&state, out.data(), out.size());
  Key key;
  std::copy_n(out.begin(), key.bytes_.size(), key.bytes_.begin());
  std::memcpy(&key.id_, out.data() + key.bytes_.size(), sizeof key.id_);
  return key;
}

Key control_key(uint64_t index) {
  static constexpr std::array<uint8_t, MasterKey::kBytes> kZeros{};
  return MasterKey(kZeros).derive(fmt::format("control:{}", index));
}

std::string id_text(uint64_t id) {
  return fmt::format("{:016x}", id);
}

}  // namespace stillwatch::watermark
