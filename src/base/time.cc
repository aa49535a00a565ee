#include "base/time.h"

#include <fmt/format.h>

#include <cmath>

namespace stillwatch::base {
namespace {

struct Cursor {
  std::string_view rest;

  // Exactly `width` digits, or nothing.
  std::optional<int> number(size_t width) {
    if (rest.size() < width) return std::nullopt;
    int value = 0;
    for (size_t i = 0; i < width; ++i) {
      if (rest[i] < '0' || rest[i] > '9') return std::nullopt;
      value = value * 10 + (rest[i] - '0');
    }
    rest.remove_prefix(width);
    return value;
  }

  bool take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
};

// Milliseconds of a fraction of any length; digits past the third are dropped.
std::optional<int> fraction_ms(Cursor& in) {
  int ms = 0;
  int digits = 0;
  while (!in.rest.empty() && in.rest.front() >= '0' && in.rest.front() <= '9') {
    if (digits < 3) ms = ms * 10 + (in.rest.front() - '0');
    ++digits;
    in.rest.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 3; ++digits) ms *= 10;
  return ms;
}

// Minutes east of UTC.
std::optional<int> zone_minutes(Cursor& in) {
  if (in.rest.empty() || in.take('Z') || in.take('z')) return 0;
  const int sign = in.take('+') ? 1 : in.take('-') ? -1 : 0;
  if (sign == 0) return std::nullopt;
  const auto hours = in.number(2);
  in.take(':');
  const auto minutes = in.number(2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return sign * (*hours * 60 + *minutes);
}

constexpr int64_t kLastMs = 9'223'372'036'854;  // 2262-04-11: the last millisecond that fits 64-bit nanoseconds

}  // namespace

std::optional<Time> parse_rfc3339(std::string_view text) {
  Cursor in{text};
  const auto year = in.number(4);
  if (!year || !in.take('-')) return std::nullopt;
  const auto month = in.number(2);
  if (!month || !in.take('-')) return std::nullopt;
  const auto day = in.number(2);
  if (!day || !(in.take('T') || in.take('t') || in.take(' '))) return std::nullopt;
  const auto hour = in.number(2);
  if (!hour || !in.take(':')) return std::nullopt;
  const auto minute = in.number(2);
  if (!minute || !in.take(':')) return std::nullopt;
  const auto second = in.number(2);
  if (!second) return std::nullopt;
  int ms = 0;
  if (in.take('.') || in.take(',')) {
    const auto fraction = fraction_ms(in);
    if (!fraction) return std::nullopt;
    ms = *fraction;
  }
  const auto zone = zone_minutes(in);
  if (!zone || !in.rest.empty()) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *year < 1970) return std::nullopt;
  int64_t total = int64_t{std::chrono::sys_days{date}.time_since_epoch().count()} * kDayMs;
  const bool leap = *second == 60;
  total += *hour * kHourMs + *minute * 60'000 + (leap ? 59'999 : *second * 1000 + ms) - *zone * 60'000;
  if (total < 0 || total > kLastMs) return std::nullopt;
  return from_ms(total);
}

std::optional<Time> from_unix_number(double value) {
  if (!std::isfinite(value) || value < 1e8) return std::nullopt;
  double ms = value;
  if (value < 1e11) {
    ms = value * 1e3;
  } else if (value < 1e14) {
    ms = value;
  } else if (value < 1e17) {
    ms = value / 1e3;
  } else {
    ms = value / 1e6;
  }
  if (ms > static_cast<double>(kLastMs)) return std::nullopt;
  return from_ms(static_cast<int64_t>(ms));
}

std::string format_rfc3339(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::hh_mm_ss clock{time - day};
  return fmt::format("{}T{:02}:{:02}:{:02}.{:03}Z", format_date(time), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count(), clock.subseconds().count());
}

std::string format_date(Time time) {
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(time)};
  return fmt::format("{:04}-{:02}-{:02}", int{date.year()}, unsigned{date.month()}, unsigned{date.day()});
}

}  // namespace stillwatch::base
