// What people decided about accounts: benign or hostile, until when and why. Labels override verdicts while they last;
// calibration leaves hostile accounts out. Text form: one JSON object a line, newest last, the last one for an account
// counts:
//   {"account":"a1","label":"benign","until":"2026-12-31T00:00:00.000Z","why":"our own evaluation runs"}
// Times are the traffic's times (a log is judged by its own clock). Thread rule: const methods are reentrant.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace stillwatch::verdict {

enum class LabelKind : uint8_t { kBenign, kHostile };

struct Label {
  LabelKind kind = LabelKind::kBenign;
  base::Time until{};
  std::string why;
};

class Labels {
 public:
  // Errors name the line (1-based) as `name:line`.
  static base::Result<Labels> parse(std::string_view text, std::string_view name);
  static std::string format(std::string_view account, const Label& label);  // one line, with its newline

  void set(std::string account, Label label) { by_account_[std::move(account)] = std::move(label); }
  // The label in force at `now`.
  std::optional<Label> find(std::string_view account, base::Time now) const;
  const std::map<std::string, Label, std::less<>>& all() const { return by_account_; }
  size_t size() const { return by_account_.size(); }

 private:
  std::map<std::string, Label, std::less<>> by_account_;
};

}  // namespace stillwatch::verdict
