// Time is UTC in whole milliseconds since 1970. Stillwatch never reads a clock below apps/: a log's time, or an
// injected clock, is the only time there is.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stillwatch::base {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kDayMs = 24 * kHourMs;
constexpr int64_t kWeekMs = 7 * kDayMs;

constexpr int64_t to_ms(Time time) {
  return time.time_since_epoch().count();
}
constexpr Time from_ms(int64_t ms) {
  return Time{std::chrono::milliseconds{ms}};
}

// RFC 3339 (a space for the T, and a missing zone read as UTC, are accepted; a leap second counts as :59.999).
// Years 1970 to 2261, so that nanoseconds fit 64 bits elsewhere. Nothing for anything else.
std::optional<Time> parse_rfc3339(std::string_view text);

// Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by magnitude (each covers 1973 to 2261).
std::optional<Time> from_unix_number(double value);

// 2026-03-01T12:00:00.123Z
std::string format_rfc3339(Time time);
// 2026-03-01
std::string format_date(Time time);

}  // namespace stillwatch::base
