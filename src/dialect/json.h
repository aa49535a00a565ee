// Reading JSON that may be anything: every accessor gives nothing (or empty) for a missing key or another type, so that
// one odd field never loses a record. Views live as long as the document they came from.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string_view>

namespace stillwatch::dialect::json {

using Element = simdjson::dom::element;

inline std::optional<Element> at(Element object, std::string_view key) {
  Element value;
  if (!object.is_object() || object[key].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

// The first of several spellings that is there and not null.
template <typename... Keys>
std::optional<Element> first(Element object, Keys... keys) {
  std::optional<Element> found;
  ((found = at(object, keys)).has_value() || ...);
  return found;
}

inline std::string_view text(std::optional<Element> value) {
  std::string_view s;
  if (!value || value->get(s) != simdjson::SUCCESS) return {};
  return s;
}
inline std::string_view text(Element object, std::string_view key) {
  return text(at(object, key));
}

inline std::optional<double> number(std::optional<Element> value) {
  double d = 0;
  if (!value || value->get(d) != simdjson::SUCCESS) return std::nullopt;
  return d;
}
inline std::optional<double> number(Element object, std::string_view key) {
  return number(at(object, key));
}

// Whole numbers, also those written as 12.0; beyond +-2^53 nothing.
inline std::optional<int64_t> integer(std::optional<Element> value) {
  const auto d = number(value);
  if (!d || !(*d >= -9e15 && *d <= 9e15)) return std::nullopt;
  return static_cast<int64_t>(*d);
}
inline std::optional<int64_t> integer(Element object, std::string_view key) {
  return integer(at(object, key));
}

inline bool boolean(Element object, std::string_view key) {
  bool b = false;
  const auto value = at(object, key);
  return value && value->get(b) == simdjson::SUCCESS && b;
}

inline size_t size_of(std::optional<Element> value) {
  simdjson::dom::array array;
  if (!value || value->get(array) != simdjson::SUCCESS) return 0;
  return array.size();
}

// Calls visit(element) for the items of an array; for anything else not at all.
template <typename Visit>
void each(std::optional<Element> value, Visit visit) {
  simdjson::dom::array array;
  if (!value || value->get(array) != simdjson::SUCCESS) return;
  for (const Element item : array) visit(item);
}

}  // namespace stillwatch::dialect::json
