// What linking keeps of an account: means over its exchanges of everything that says what it asks and how it writes,
// the keys and hours that it may share with others, and when it came and went. Country is not among them; parameters
// and clients, which a program sets once, are keys and no coordinates.
//
// Bounds: about 2.7 KiB an account. Thread rule: a value.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "profile/summary.h"

namespace stillwatch::campaigns {

constexpr size_t kOctaves = 14;  // sizes of prompts and of answers, a bin a doubling
constexpr size_t kCoordinates =
    2 * features::kSpectrumSize + features::kKinds + features::kWritingTraits + features::kScripts + 2 * kOctaves;
using Coordinates = std::array<float, kCoordinates>;

enum class KeyKind : uint8_t { kPrompt, kOpening, kOpenings, kSystem, kNetwork, kClient };

// Says who connects, not what is asked.
constexpr bool is_identity(KeyKind kind) {
  return kind == KeyKind::kNetwork || kind == KeyKind::kClient;
}

// Locality-sensitive hashes of the set of an account's openings (Indyk and Motwani 1998; Broder 1997): its smallest
// hashes are those of a random permutation, and bands of two neighbours are shared by sets that have much in common,
// common as each opening may be.
constexpr size_t kBands = 8;

// So many of a kind has an account at most: what its summary keeps.
constexpr size_t keys_max(KeyKind kind) {
  switch (kind) {
    case KeyKind::kPrompt:
      return 16;
    case KeyKind::kOpening:
      return 32;
    case KeyKind::kOpenings:
      return kBands;
    case KeyKind::kSystem:
    case KeyKind::kNetwork:
    case KeyKind::kClient:
      return 8;
  }
  return 0;
}

struct Key {
  uint64_t hash;  // of kind and key
  KeyKind kind;
};

struct Trace {
  std::string account;
  uint64_t exchanges = 0;  // less prompts whose joint spectrum is not known (profile/summary.h)
  Coordinates mean{};
  int64_t first_ms = 0;  // of all exchanges
  int64_t last_ms = 0;
  std::vector<Key> keys;
  std::vector<profile::ActiveHours::Day> days;

  static Trace of(std::string account, const profile::Summary& summary);
};

}  // namespace stillwatch::campaigns
