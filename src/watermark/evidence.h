// What has to be remembered of marked answers so that somebody can be held to them later: JSON Lines that are only ever
// appended to (byte-exact: docs/formats/evidence.md). Who marks writes lines, `stillwatch attribute` reads files.
//
// Records: which keys marked how (by id; never the key), an answer's sketch of all its drafts or of its contexts, the
// canary pool's hash, canaries given to accounts. No text of any answer or prompt. Accounts are named as reports name
// them. Thread rule: pure functions and values. Bounds: kEvidenceLineBytesMax a line, base::kWatermarkWindowsMax hashes
// a key.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "watermark/key.h"
#include "watermark/mark.h"
#include "watermark/sketch.h"

namespace stillwatch::watermark {

constexpr size_t kEvidenceLineBytesMax = 4u << 20;

enum class Units : uint8_t { kWords, kTokens };

// Lines to append, each with its newline. A mark, and a pool, before its first use.
std::string mark_line(base::Time time, std::string_view label, const Key& key, const Mark& mark, Units units);
std::string answer_line(base::Time time, std::string_view account, const Key& key, const DraftSketch& sketch);
std::string answer_line(base::Time time, std::string_view account, const Key& key, const ContextSketch& sketch);
std::string pool_line(base::Time time, std::string_view label, size_t size, std::string_view hash);
std::string canary_line(base::Time time, std::string_view account, std::string_view pool_hash, uint32_t index);

struct MarkEvidence {
  std::string label;
  uint64_t key_id = 0;
  Mark mark;
  Units units = Units::kWords;
  uint64_t answers = 0;
  uint64_t unmarked = 0;  // of these: their drafts were all the same
  std::set<std::string> accounts;
  base::Time first{};
  base::Time last{};
  Filter filter;
};

struct PoolEvidence {
  std::string label;
  std::string hash;
  size_t size = 0;
  base::Time committed{};
  std::map<uint32_t, std::set<std::string>> issued;  // canary: accounts it was given to
};

struct Evidence {
  std::vector<MarkEvidence> marks;
  std::vector<PoolEvidence> pools;

  const MarkEvidence* find_mark(uint64_t key_id) const;
  // Errors name the line (1-based) as `name:line`. A last line without its newline was cut off in writing and is left.
  base::Result<void> read(std::string_view text, std::string_view name);
};

}  // namespace stillwatch::watermark
