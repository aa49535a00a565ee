#include "report/terminal.h"

#include <fmt/format.h>

#include <algorithm>

namespace stillwatch::report {
namespace {

using pipeline::AccountFinding;
using pipeline::Findings;

std::string_view style(const TerminalOptions& o, std::string_view code) {
  return o.color ? code : std::string_view();
}
constexpr std::string_view kRed = "\033[1;31m", kDim = "\033[2m", kBold = "\033[1m", kPlain = "\033[0m";

std::string thousands(double value) {
  if (value >= 1e9) return fmt::format("{:.1f} G", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.1f} M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:.0f} k", value / 1e3);
  return fmt::format("{:.0f}", value);
}

std::string header(const Findings& f, const ReadStats& s, const TerminalOptions& o) {
  std::string out = fmt::format("{}{} exchanges of {} accounts, {} to {}{}\n", style(o, kBold), f.exchanges, f.accounts,
                                base::format_date(f.first), base::format_date(f.last), style(o, kPlain));
  if (s.broken > 0) {
    out += fmt::format("{} of {} lines could not be read; the first: {}\n", s.broken, s.lines, s.located.front());
  }
  for (const std::string& error : s.file_errors) out += fmt::format("not read to the end: {}\n", error);
  if (s.unidentified > 0) out += fmt::format("{} exchanges name no account and were left out\n", s.unidentified);
  if (s.late > 0) out += fmt::format("{} exchanges came too late to be put in order\n", s.late);
  const auto& b = f.baseline;
  if (b.calibrated) {
    out += fmt::format(
        "baseline {}: {} honest accounts; at most {:g} in 10,000 honest accounts a month are flagged by chance\n",
        b.name, b.subjects, f.false_alarms_per_10000);
  } else {
    out += fmt::format(
        "uncalibrated: judged against {} ({} accounts), so p-values are estimates and the budget of {:g} in 10,000 is "
        "not a promise;\n"
        "run `stillwatch calibrate` on traffic you trust and give its file with --baseline\n",
        b.name, b.subjects, f.false_alarms_per_10000);
  }
  if (b.drifted) {
    out += fmt::format(
        "{}the traffic has drifted from the baseline (p = {:.1g}, stability index {:.2f}): calibrate again{}\n",
        style(o, kRed), b.drift_p_value, b.drift_index, style(o, kPlain));
  }
  return out;
}

std::string reasons(const AccountFinding& a, const TerminalOptions& o) {
  std::string out;
  constexpr size_t kReasons = 3;
  size_t shown = 0;
  for (const signals::Reading& r : a.evidence.readings) {
    if (r.share <= 0.05 || shown == kReasons) break;
    out += fmt::format("      {}+{:.1f}  {}{}\n", style(o, kDim), r.share, r.explanation, style(o, kPlain));
    ++shown;
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text, size_t width) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const auto b = static_cast<unsigned char>(text[i]);
    const size_t size = b < 0x80 ? 1 : (b & 0xe0) == 0xc0 ? 2 : (b & 0xf0) == 0xe0 ? 3 : (b & 0xf8) == 0xf0 ? 4 : 0;
    bool valid = size > 0 && i + size <= text.size() && b >= 0x20 && b != 0x7f;
    for (size_t k = 1; valid && k < size; ++k) valid = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
    if (size == 2 && b == 0xc2 && valid && static_cast<unsigned char>(text[i + 1]) < 0xa0)
      valid = false;  // C1 controls
    if (out.size() + std::max<size_t>(size, 1) > width) {
      out.resize(std::min(out.size(), width - 3));
      return out + "...";
    }
    if (valid) {
      out.append(text.substr(i, size));
      i += size;
    } else {
      out += '?';
      ++i;
    }
  }
  return out;
}

std::string p_value_text(const signals::Evidence& e) {
  if (e.extrapolated) return fmt::format("{:.1g} (extrapolated)", e.p_value);
  if (e.p_value <= e.resolution * 1.0001) return fmt::format("< {:.2g}", std::max(e.resolution, 1e-9));
  return fmt::format("{:.2g}", e.p_value);
}

std::string to_terminal(const Findings& f, const ReadStats& stats, const TerminalOptions& o) {
  std::string out = header(f, stats, o);
  out += fmt::format("\n{}  {:<32} {:>9}  {:<22} {:>8} {:>8}  {}{}\n", style(o, kBold), "account", "exchanges",
                     "p-value", "novel", "tokens", "verdict", style(o, kPlain));
  size_t rows = 0;
  for (const AccountFinding& a : f.ranked) {
    if (rows++ == o.rows) break;
    out += fmt::format("{}{} {:<32} {:>9}  {:<22} {:>8} {:>8}  {}{}\n", a.flagged ? style(o, kRed) : std::string_view(),
                       a.flagged ? "!" : " ", printable(a.account, 32), a.exchanges, p_value_text(a.evidence),
                       thousands(a.exposure.novel_exchanges), thousands(static_cast<double>(a.exposure.output_tokens)),
                       verdict::name_of(a.verdict), style(o, kPlain));
    if (a.flagged || a.verdict == verdict::Verdict::kWatch) out += reasons(a, o);
  }
  if (f.ranked.size() > o.rows)
    out += fmt::format("  ... and {} more (--top, --json, --html)\n", f.ranked.size() - o.rows);
  out += fmt::format("\n{} of {} accounts with {} exchanges or more are flagged (p <= {:.1g} at one of {} looks)\n",
                     f.accounts_flagged, f.accounts_judged, signals::kFirstLook, f.threshold, signals::kLooks);
  return out;
}

}  // namespace stillwatch::report
