#include "verdict/labels.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/limits.h"

namespace stillwatch::verdict {
namespace {

using base::ErrorCode;
using Json = nlohmann::json;

std::string text_of(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

}  // namespace

base::Result<Labels> Labels::parse(std::string_view text, std::string_view name) {
  Labels labels;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto broken = [&](std::string_view what) {
      return base::fail(ErrorCode::kInput,
                        fmt::format("{}:{}: {}; a label is {{\"account\":..., \"label\":\"benign\" or "
                                    "\"hostile\", \"until\":\"2026-12-31T00:00:00Z\", \"why\":...}}",
                                    name, number, what));
    };
    const Json object = Json::parse(line, nullptr, false);
    if (!object.is_object()) return broken("not a JSON object");
    const std::string account = text_of(object, "account");
    const std::string kind = text_of(object, "label");
    const auto until = base::parse_rfc3339(text_of(object, "until"));
    if (account.empty() || account.size() > base::kIdentityBytesMax) return broken("`account` is missing or too long");
    if (kind != "benign" && kind != "hostile") return broken("`label` is neither benign nor hostile");
    if (!until) return broken("`until` is not a time");
    labels.set(account, {kind == "benign" ? LabelKind::kBenign : LabelKind::kHostile, *until, text_of(object, "why")});
  }
  return labels;
}

std::string Labels::format(std::string_view account, const Label& label) {
  const Json object = {{"account", account},
                       {"label", label.kind == LabelKind::kBenign ? "benign" : "hostile"},
                       {"until", base::format_rfc3339(label.until)},
                       {"why", label.why}};
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<Label> Labels::find(std::string_view account, base::Time now) const {
  const auto it = by_account_.find(account);
  if (it == by_account_.end() || it->second.until <= now) return std::nullopt;
  return it->second;
}

}  // namespace stillwatch::verdict
