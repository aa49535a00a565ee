#include "base/yaml_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace stillwatch::base {
namespace {

Error error_at(std::string_view file, const YAML::Mark& mark, std::string_view what) {
  return {ErrorCode::kUsage, fmt::format("{}:{}:{}: {}", file, mark.line + 1, mark.column + 1, what)};
}

}  // namespace

Result<YamlMap> YamlMap::parse(std::string_view text, std::string_view file) {
  YAML::Node root;
  try {  // the parser's only way to say no
    root = YAML::Load(std::string(text));
  } catch (const YAML::Exception& e) {
    return tl::unexpected(error_at(file, e.mark, e.msg));
  }
  if (!root.IsMap() && !root.IsNull())
    return tl::unexpected(error_at(file, root.Mark(), "this is not a map of keys and values"));
  return YamlMap(root.IsNull() ? YAML::Node(YAML::NodeType::Map) : root, file);
}

void YamlMap::flag(const char* key, bool& out) {
  static constexpr Name<bool> kFlags[] = {{"true", true}, {"false", false}};
  choice(key, out, kFlags);
}

void YamlMap::text(const char* key, std::string& out) {
  const YAML::Node value = take(key);
  if (!value) return;
  if (!value.IsScalar()) return fail(value, fmt::format("`{}` is not text", key));
  out = value.Scalar();
}

void YamlMap::texts(const char* key, std::vector<std::string>& out) {
  const YAML::Node value = take(key);
  if (!value) return;
  if (!value.IsSequence()) return fail(value, fmt::format("`{}` is not a list", key));
  for (const YAML::Node& item : value) {
    if (!item.IsScalar()) return fail(item, fmt::format("`{}` holds something that is not text", key));
    out.push_back(item.Scalar());
  }
}

YAML::Node YamlMap::take(const char* key) {
  known_.emplace_back(key);
  if (!node_.IsMap()) return YAML::Node(YAML::NodeType::Undefined);
  const YAML::Node& node = node_;  // the other operator[] would add the key
  return node[key] ? node[key] : YAML::Node(YAML::NodeType::Undefined);
}

bool YamlMap::require(const char* key) {
  if (take(key)) return true;
  fail(node_, fmt::format("`{}` is missing", key));
  return false;
}

void YamlMap::adopt(YamlMap& inner) {
  if (auto error = inner.finish(); error && !error_) error_ = std::move(error);
}

void YamlMap::fail(const YAML::Node& at, const std::string& what) {
  if (!error_) error_ = error_at(file_, at.Mark(), what);
}

std::optional<Error> YamlMap::finish() {
  if (!node_.IsMap()) fail(node_, "this is not a map of keys and values");
  if (error_) return error_;
  for (const auto& entry : node_) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "?";
    if (std::find(known_.begin(), known_.end(), key) == known_.end())
      fail(entry.first, fmt::format("`{}` is not known here", key));
  }
  return error_;
}

std::optional<double> YamlMap::parse_number(const YAML::Node& value, const char* key, double low, double high,
                                            bool whole) {
  double parsed = 0;
  const std::string text = value.IsScalar() ? value.Scalar() : "";
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || !std::isfinite(parsed) ||
      parsed < low || parsed > high) {
    fail(value, fmt::format("`{}` is not a number from {} to {}", key, low, high));
    return std::nullopt;
  }
  if (whole && parsed != std::floor(parsed)) {
    fail(value, fmt::format("`{}` is not a whole number", key));
    return std::nullopt;
  }
  return parsed;
}

}  // namespace stillwatch::base
