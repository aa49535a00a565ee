// One 64-bit hash for everything that is not a secret (XXH3). Equal on every machine and version: profiles made in
// different places merge because their hashes agree. Not for credentials: those need a keyed cryptographic hash.
#pragma once

#include <cstdint>
#include <string_view>

namespace stillwatch::base {

uint64_t hash64(std::string_view bytes, uint64_t seed = 0);

// Mixes two hashes; order matters.
constexpr uint64_t combine(uint64_t a, uint64_t b) {
  uint64_t x = (a ^ (b + 0x9e3779b97f4a7c15ULL + (a << 6) + (a >> 2)));
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// For maps that are asked by string_view.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};

}  // namespace stillwatch::base
