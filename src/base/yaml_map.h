// A YAML map read key by key: remembers the first thing that is wrong, with its line and column, and what was asked
// for, so that finish() can name a key that nobody knows.
//
// Thread rule: a value. Errors are ErrorCode::kUsage, `file:line:column: what`.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/error.h"

namespace stillwatch::base {

template <typename T>
struct Name {
  std::string_view name;
  T value;
};

class YamlMap {
 public:
  // The document of a whole file. Fails for text that is no YAML or no map.
  static Result<YamlMap> parse(std::string_view text, std::string_view file);
  // A part of a document of that file; finish() fails if it is no map.
  YamlMap(const YAML::Node& node, std::string_view file) : node_(node), file_(file) {}

  template <typename T>
  void number(const char* key, T& out, double low, double high) {
    const YAML::Node value = take(key);
    if (!value) return;
    const auto parsed = parse_number(value, key, low, high, std::is_integral_v<T>);
    if (parsed) out = static_cast<T>(*parsed);
  }
  template <typename T>
  void choice(const char* key, T& out, std::type_identity_t<std::span<const Name<T>>> names) {
    const YAML::Node value = take(key);
    if (!value) return;
    std::string known;
    for (const auto& [name, v] : names) {
      if (value.IsScalar() && value.Scalar() == name) {
        out = v;
        return;
      }
      known.append(known.empty() ? "" : ", ").append(name);
    }
    fail(value, std::string("`").append(key).append("` is none of ").append(known));
  }
  void flag(const char* key, bool& out);
  void text(const char* key, std::string& out);
  void texts(const char* key, std::vector<std::string>& out);
  // Undefined if it is not there.
  YAML::Node take(const char* key);
  const YAML::Node& node() const { return node_; }
  const std::string& file() const { return file_; }

  bool require(const char* key);  // fails if it is not there
  // A map within this one has been read: its first error is this one's.
  void adopt(YamlMap& inner);
  void fail(const YAML::Node& at, const std::string& what);
  // Every key must have been asked for.
  std::optional<Error> finish();

 private:
  std::optional<double> parse_number(const YAML::Node& value, const char* key, double low, double high, bool whole);

  YAML::Node node_;
  std::string file_;
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

}  // namespace stillwatch::base
