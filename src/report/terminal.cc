#include "report/terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "report/known_sets.h"
#include "report/text.h"

namespace stillwatch::report {
namespace {

using pipeline::AccountFinding;
using pipeline::Findings;

constexpr size_t kColumnsMin = 56;
constexpr size_t kNameColumnsMin = 12;
constexpr size_t kNameColumnsMax = 40;
constexpr size_t kReasons = 3;
constexpr double kReasonShareMin = 0.05;

// Lines of a fixed width, coloured or not.
class Page {
 public:
  explicit Page(const TerminalOptions& options)
      : columns_(std::max(options.columns, kColumnsMin)), color_(options.color) {}

  size_t columns() const { return columns_; }
  std::string_view red() const { return color_ ? "\033[1;31m" : ""; }
  std::string_view yellow() const { return color_ ? "\033[33m" : ""; }
  std::string_view bold() const { return color_ ? "\033[1m" : ""; }
  std::string_view dim() const { return color_ ? "\033[2m" : ""; }

  // Words broken into lines; later lines begin under the first word.
  void paragraph(std::string_view style, size_t indent, std::string_view text) {
    const std::string words = printable(text, kParagraphColumnsMax);
    std::string_view rest = words;
    while (!rest.empty()) {
      std::string_view line = rest;
      if (columns_of(line) > columns_ - indent) {
        size_t end = 0;
        for (size_t at = rest.find(' '); at != rest.npos; at = rest.find(' ', at + 1)) {
          if (columns_of(rest.substr(0, at)) > columns_ - indent) break;
          end = at;
        }
        line = rest.substr(0, end > 0 ? end : std::min(rest.find(' '), rest.size()));
      }
      raw(style, std::string(indent, ' ') + std::string(line));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    }
  }
  void raw(std::string_view style, std::string_view line) {
    out_ += style;
    out_ += line;
    if (!style.empty()) out_ += "\033[0m";
    out_ += '\n';
  }
  std::string take() { return std::move(out_); }

 private:
  static constexpr size_t kParagraphColumnsMax = 600;  // of file names, mostly

  size_t columns_;
  bool color_;
  std::string out_;
};

std::string plural(uint64_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count_text(n), n == 1 ? one : many);
}

void header(const Findings& f, const ReadStats& s, Page& page) {
  page.paragraph(
      page.bold(), 0,
      fmt::format("{} of {}, {} to {}", plural(f.exchanges, "exchange", "exchanges"),
                  plural(f.accounts, "account", "accounts"), base::format_date(f.first), base::format_date(f.last)));
  if (s.broken > 0) {
    page.paragraph("", 0,
                   fmt::format("{} of {} could not be read{}{}", count_text(s.broken), plural(s.lines, "line", "lines"),
                               s.located.empty() ? "" : "; the first: ", s.located.empty() ? "" : s.located.front()));
  }
  for (const std::string& error : s.file_errors) page.paragraph("", 0, "not read to the end: " + error);
  if (s.unidentified > 0)
    page.paragraph("", 0, plural(s.unidentified, "exchange names", "exchanges name") + " no sender and are left out");
  if (s.late > 0)
    page.paragraph("", 0, plural(s.late, "exchange", "exchanges") + " came too late to be put in order of time");

  const pipeline::BaselineFacts& b = f.baseline;
  if (b.calibrated) {
    page.paragraph(
        "", 0,
        fmt::format("baseline {} ({}): at most {:g} of 10,000 honest accounts a month are flagged by chance", b.name,
                    plural(b.subjects, "honest account", "honest accounts"), f.false_alarms_per_10000));
  } else {
    page.paragraph(page.yellow(), 0,
                   fmt::format("uncalibrated, judged against {} ({}): p-values are estimates, and at most {:g} false "
                               "alarms of 10,000 honest accounts a month is an aim, not a promise. To mend it: "
                               "stillwatch calibrate --out FILE on traffic you trust, then --baseline FILE",
                               b.name, plural(b.subjects, "account", "accounts"), f.false_alarms_per_10000));
  }
  if (b.drifted) {
    page.paragraph(page.red(), 0,
                   fmt::format("the traffic has drifted from the baseline (p = {:.1g}, stability index {:.2f}): "
                               "calibrate again before you act on single accounts",
                               finite_or(b.drift_p_value, 1), finite_or(b.drift_index, 0)));
  }
}

// A column of the table with its cells, all printable.
struct Column {
  std::string title;
  bool number;
  int need;  // columns of little need go first when there is no room
  std::vector<std::string> cells = {};
  size_t width = title.size();  // of the title and the widest cell

  void add(std::string cell) {
    width = std::max(width, columns_of(cell));
    cells.push_back(std::move(cell));
  }
};

std::string cell_text(const Column& column, std::string_view cell) {
  const std::string padding(column.width - columns_of(cell), ' ');
  return column.number ? padding + std::string(cell) : std::string(cell) + padding;
}

std::vector<Column> columns_of_table(const Findings& f, size_t rows) {
  std::vector<Column> table = {{"account", false, 9}, {"exchanges", true, 6}, {"p-value", false, 8},
                               {"verdict", false, 9}, {"novel", true, 4},     {"tokens", true, 5},
                               {"coverage", true, 2}, {"first", false, 1},    {"last", false, 3}};
  for (size_t i = 0; i < rows; ++i) {
    const AccountFinding& a = f.ranked[i];
    const std::string cells[] = {printable(a.account, kNameColumnsMax),
                                 count_text(a.exchanges),
                                 a.looks.empty() ? "" : p_value_text(a.evidence),
                                 std::string(verdict::name_of(a.verdict)),
                                 amount_text(a.exposure.novel_exchanges),
                                 amount_text(static_cast<double>(a.exposure.output_tokens)),
                                 fmt::format("{:.0f} %", 100 * finite_or(a.exposure.coverage, 0)),
                                 base::format_date(a.first_seen),
                                 base::format_date(a.last_seen)};
    for (size_t c = 0; c < table.size(); ++c) table[c].add(cells[c]);
  }
  return table;
}

constexpr size_t kMarkColumns = 2, kGapColumns = 2;

size_t width_of(const std::vector<Column>& table) {
  size_t width = kMarkColumns - kGapColumns;
  for (const Column& column : table) width += kGapColumns + column.width;
  return width;
}

// Leaves out columns, least needed first, then shortens names, until the table fits.
void fit(std::vector<Column>& table, size_t columns) {
  const size_t name_columns = table.front().width;
  const size_t spare = name_columns - std::min(name_columns, kNameColumnsMin);
  while (width_of(table) > columns + spare && table.size() > 3) {
    table.erase(
        std::min_element(table.begin(), table.end(), [](const auto& a, const auto& b) { return a.need < b.need; }));
  }
  const size_t over = width_of(table) - std::min(width_of(table), columns);
  Column& names = table.front();
  names.width = std::max(name_columns - std::min(name_columns, over), kNameColumnsMin);
  for (std::string& name : names.cells) name = printable(name, names.width);
}

void reasons(const AccountFinding& a, Page& page) {
  size_t shown = 0;
  for (const signals::Reading& r : a.evidence.readings) {
    if (!(r.share > kReasonShareMin) || shown++ == kReasons) break;
    page.raw(page.dim(), printable(fmt::format("      {:+.1f}  {}", r.share, r.explanation), page.columns()));
  }
}

// One line of the table; `cell_of` says what a column shows in it.
template <typename CellOf>
std::string line_of(const std::vector<Column>& table, std::string_view mark, CellOf cell_of) {
  std::string line(mark);
  for (const Column& c : table) {
    line.append(line.size() == mark.size() ? 0 : kGapColumns, ' ');
    line += cell_text(c, cell_of(c));
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

void accounts(const Findings& f, size_t rows, std::string_view more, Page& page) {
  std::vector<Column> table = columns_of_table(f, rows);
  fit(table, page.columns());
  page.raw(page.bold(), line_of(table, "  ", [](const Column& c) { return c.title; }));
  for (size_t i = 0; i < rows; ++i) {
    const AccountFinding& a = f.ranked[i];
    const bool watched = a.verdict == verdict::Verdict::kWatch;
    page.raw(a.flagged ? page.red()
             : watched ? page.yellow()
                       : std::string_view(),
             line_of(table, a.flagged ? "! " : "  ", [i](const Column& c) { return c.cells[i]; }));
    if (a.flagged || watched) reasons(a, page);
  }
  if (f.accounts > rows)
    page.raw(page.dim(), fmt::format("  ... and {} more ({})", count_text(f.accounts - rows), more));
}

void campaigns(const Findings& f, size_t rows, Page& page) {
  if (f.campaigns.empty()) return;
  page.raw(page.bold(), "campaigns: accounts that act as one");
  for (size_t i = 0; i < std::min(rows, f.campaigns.size()); ++i) {
    const pipeline::CampaignFinding& c = f.campaigns[i];
    page.paragraph(
        c.flagged ? page.red() : page.yellow(), 2,
        fmt::format("{} {}: {}, {}, {} novel, {} tokens, {:.0f} % of the capability map, {} to {} (p = {:.1g}{}, q = "
                    "{:.1g})",
                    c.campaign, verdict::name_of(c.verdict), plural(c.accounts.size(), "account", "accounts"),
                    plural(c.exchanges, "exchange", "exchanges"), amount_text(c.exposure.novel_exchanges),
                    amount_text(static_cast<double>(c.exposure.output_tokens)), 100 * finite_or(c.exposure.coverage, 0),
                    base::format_date(c.first_seen), base::format_date(c.last_seen), finite_or(c.p_value, 1),
                    c.extrapolated ? ", extrapolated" : "", finite_or(c.q_value, 1)));
    page.paragraph(
        "", 6, fmt::format("what left through it is {}", beside_known_set(finite_or(c.exposure.novel_exchanges, 0))));
    for (const pipeline::CampaignReason& r : c.why)
      page.raw(page.dim(), printable(fmt::format("      {:5.1f}  {}", r.strength, r.explanation), page.columns()));
  }
  if (f.campaigns.size() > rows)
    page.raw(page.dim(), fmt::format("  ... and {} more (--json has all)", count_text(f.campaigns.size() - rows)));
  page.raw("", "");
}

void footer(const Findings& f, Page& page) {
  page.paragraph(page.bold(), 0,
                 fmt::format("{} of {} with {} exchanges or more {} flagged (p <= {:.1g})",
                             count_text(f.accounts_flagged), plural(f.accounts_judged, "account", "accounts"),
                             signals::kFirstLook, f.accounts_flagged == 1 ? "is" : "are", finite_or(f.threshold, 0)));
  if (f.accounts_judged == 0) return;
  page.paragraph(page.dim(), 0,
                 "p-value: how often an honest account ever looks at least this much like a harvest. "
                 "(resolution): the ranks of the baseline's accounts cannot say less. (extrapolated): a fitted tail "
                 "says more than ranks can.");
  if (f.accounts_flagged == 0) return;
  page.paragraph(page.dim(), 0,
                 "Next: read the reasons (--html FILE draws them), then say what you found: stillwatch label ACCOUNT "
                 "benign|hostile --until DATE --why TEXT");
}

}  // namespace

std::string to_terminal(const Findings& f, const ReadStats& stats, const TerminalOptions& options) {
  Page page(options);
  header(f, stats, page);
  page.raw("", "");
  campaigns(f, options.rows, page);
  const size_t rows = std::min(options.rows, f.ranked.size());
  if (rows > 0) {
    accounts(f, rows, options.more, page);
    page.raw("", "");
  }
  footer(f, page);
  return page.take();
}

}  // namespace stillwatch::report
