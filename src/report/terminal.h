// Findings as a table for a terminal. Pure; names from logs are cleaned of control characters.
#pragma once

#include <string>

#include "pipeline/findings.h"
#include "report/read_stats.h"

namespace stillwatch::report {

struct TerminalOptions {
  size_t rows = 20;
  bool color = false;
};

std::string to_terminal(const pipeline::Findings& findings, const ReadStats& stats, const TerminalOptions& options);

// "0.0123", "< 0.0005" where ranks cannot say less, "2e-07 (extrapolated)".
std::string p_value_text(const signals::Evidence& evidence);

// Valid UTF-8 without control characters, at most `width` bytes, "..." for what was cut.
std::string printable(std::string_view text, size_t width);

}  // namespace stillwatch::report
