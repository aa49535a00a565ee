// Findings as a table for a terminal. Pure. Everything that a log or a file name could have written is made printable.
#pragma once

#include <string>
#include <string_view>

#include "pipeline/findings.h"
#include "report/read_stats.h"

namespace stillwatch::report {

struct TerminalOptions {
  size_t rows = 20;      // accounts shown
  size_t columns = 120;  // of the terminal, at least 56: what does not fit is left out of the table, least needed first
  bool color = false;
  std::string_view more = "--top, --json, --html";  // where the accounts are that are not shown
};

std::string to_terminal(const pipeline::Findings& findings, const ReadStats& stats, const TerminalOptions& options);

}  // namespace stillwatch::report
