#include "range/ledger.h"

#include <fmt/format.h>

#include "range/trial_shape.h"

namespace stillwatch::range {

using base::ErrorCode;
using base::Result;

Result<Ledger> Ledger::open(std::string_view text, std::string_view file, const Json& terms, Append append) {
  Ledger ledger(std::move(append));
  size_t number = 0;
  for (; !text.empty(); text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1)) {
    ++number;
    const Json line = Json::parse(text.substr(0, text.find('\n')), nullptr, false);
    const auto refuse = [&](std::string_view why) {
      return base::fail(ErrorCode::kInput, fmt::format("{}:{}: {}", file, number, why));
    };
    if (number == 1) {
      if (!line.is_object() || !line.contains("terms")) return refuse("this is no file of trials");
      if (line["terms"] != terms) return refuse("these trials were made on other terms: name another folder");
      continue;
    }
    if (!line.is_object() || !line.contains("trial") || !line["trial"].is_string() || !line.contains("result"))
      return refuse("this is no trial's result");
    const auto trial = line["trial"].get<std::string>();
    if (const std::string why = misfit_of(trial, line["result"]); !why.empty())
      return refuse(fmt::format("{}: {}", trial, why));
    ledger.results_[trial] = line["result"];
  }
  if (number == 0) {
    if (auto ok = ledger.append_(Json{{"terms", terms}}.dump() + "\n"); !ok) return tl::unexpected(ok.error());
  }
  return ledger;
}

Result<Json> Ledger::result_of(const std::string& trial, const std::function<Result<Json>()>& make) {
  if (const auto it = results_.find(trial); it != results_.end()) return it->second;
  auto result = make();
  if (!result) return result;
  if (auto ok = append_(Json{{"trial", trial}, {"result", *result}}.dump() + "\n"); !ok)
    return tl::unexpected(ok.error());
  return results_[trial] = std::move(*result);
}

}  // namespace stillwatch::range
