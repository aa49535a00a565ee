// Keys of marks: one a campaign or an epoch, derived from one master key, so that nothing but the master is kept.
//
// A key is BLAKE2b (libsodium), keyed with the master, of a fixed prefix and the label: 16 bytes of key and 8 bytes of
// id, which names the key in evidence and tells nothing of it. Its pseudo-random function is SipHash-2-4 (Aumasson and
// Bernstein 2012) of units, little-endian. Byte-exact: docs/formats/watermark.md.
//
// Secrets: a Key and a MasterKey never reach a message or a file of ours. Thread rule: values.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "watermark/units.h"

namespace stillwatch::watermark {

class Key {
 public:
  // Of the window's units, context first: 64 bits that nobody without the key can tell from random ones.
  uint64_t prf(std::span<const Unit> window) const;

  uint64_t id() const { return id_; }

 private:
  friend class MasterKey;
  std::array<uint8_t, 16> bytes_{};
  uint64_t id_ = 0;
};

class MasterKey {
 public:
  static constexpr size_t kBytes = 32;
  explicit MasterKey(std::span<const uint8_t, kBytes> bytes);
  // 64 hexadecimal digits, white space around them ignored.
  static base::Result<MasterKey> parse(std::string_view hex);

  // "campaign:3f2a", "epoch:2026-03": any text of up to 256 bytes. The same for the same label, always.
  Key derive(std::string_view label) const;

 private:
  std::array<uint8_t, kBytes> bytes_;
};

// Keys that nothing was ever marked with, for controls: derived from a master key of zeros.
Key control_key(uint64_t index);

std::string id_text(uint64_t id);  // 16 hexadecimal digits

}  // namespace stillwatch::watermark
