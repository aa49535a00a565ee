// Every limit of Stillwatch in one place, unit last. Input beyond a limit is refused or sampled with a clear error,
// never trusted.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stillwatch::base {

constexpr size_t kLineBytesMax = 64u << 20;            // one log line; a longer one is skipped and counted
constexpr size_t kJsonDepthMax = 64;                   // nesting of any JSON document
constexpr size_t kTurnsMax = 4096;                     // turns read of one exchange; the rest is ignored
constexpr size_t kIdentityBytesMax = 256;              // account, organisation, user, model: longer ones are hashed
constexpr size_t kFeatureTextBytesMax = 4096;          // text of one exchange that features read: head, tail, sample
constexpr size_t kProfileBytesMax = 16u << 10;         // one subject, in memory and serialised
constexpr size_t kAnswersRemembered = 1u << 19;        // ids of answers: 25 MiB
constexpr size_t kReorderWindowMax = 65'536;           // exchanges held back to restore the order of time
constexpr int64_t kReorderWindowMs = 10 * 60 * 1000;   // lateness that is put right
constexpr int64_t kEpochMs = 28LL * 24 * 3600 * 1000;  // the current epoch of a profile: four whole weeks
constexpr size_t kWatermarkWindowsMax = 8u << 20;      // distinct windows that one detection counts

}  // namespace stillwatch::base
