#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/limits.h"
#include "commands.h"
#include "files.h"
#include "logs.h"
#include "verdict/labels.h"

namespace stillwatch::apps {
namespace {

struct Arguments {
  std::string account;
  std::string label;
  std::string until;
  std::string why;
  std::string file = kLabelsFile;
};

// False for a file that an editor left without its last newline: what is appended must not join that line.
bool ends_in_a_line(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file || std::fseek(file.get(), -1, SEEK_END) != 0) return true;
  return std::fgetc(file.get()) == '\n';
}

int run(const Arguments& a) {
  const auto until = base::parse_rfc3339(a.until.size() == 10 ? a.until + "T00:00:00Z" : a.until);
  if (!until) return complain({base::ErrorCode::kUsage, "--until is not a date such as 2026-12-31"});
  if (a.account.empty() || a.account.size() > base::kIdentityBytesMax) {
    return complain({base::ErrorCode::kUsage, fmt::format("an account has 1 to {} bytes", base::kIdentityBytesMax)});
  }
  const verdict::Label label{a.label == "benign" ? verdict::LabelKind::kBenign : verdict::LabelKind::kHostile, *until,
                             a.why};
  const std::string line = (ends_in_a_line(a.file) ? "" : "\n") + verdict::Labels::format(a.account, label);
  FILE* file = std::fopen(a.file.c_str(), "ab");
  const bool written = file != nullptr && std::fwrite(line.data(), 1, line.size(), file) == line.size();
  const int error = errno;
  if ((file != nullptr && std::fclose(file) != 0) || !written) {
    return complain({base::ErrorCode::kInternal,
                     fmt::format("{} cannot be written: {}", a.file, std::strerror(written ? errno : error))});
  }
  return kClean;
}

}  // namespace

void add_label(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("label", "Say that an account is benign or hostile, until when and why");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("ACCOUNT", a.account, "The account as reports name it")->required();
  command->add_option("LABEL", a.label, "benign or hostile")->required()->check(CLI::IsMember({"benign", "hostile"}));
  command->add_option("--until", a.until, "When the label runs out (RFC 3339 or a date)")->required();
  command->add_option("--why", a.why, "The reason, for those who read it later")->required();
  command->add_option("--labels", a.file, "The file of labels, one JSON object a line")->capture_default_str();
  command->footer(
      "A benign account is never flagged and a hostile one always is, while the label lasts in the traffic's own "
      "time;\n"
      "calibration leaves hostile accounts out. The last label of an account counts. Nothing is checked against any "
      "log.\n\n"
      "Examples:\n"
      "  stillwatch label acct_17 benign --until 2026-12-31 --why 'our own evaluation runs, ticket 512'\n"
      "  stillwatch label acct_99 hostile --until 2027-06-30 --why 'confirmed by hand'\n\n"
      "Files:\n"
      "  stillwatch-labels.jsonl  where labels are kept, in the current directory; one JSON object a line "
      "(docs/cli.md)\n\n"
      "Exit status:\n"
      "  0  written\n"
      "  2  the command line is wrong\n"
      "  4  the file cannot be written");
  command->callback([arguments, &status] { status = run(*arguments); });
}

}  // namespace stillwatch::apps
