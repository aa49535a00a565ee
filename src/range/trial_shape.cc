#include "range/trial_shape.h"

#include <fmt/format.h>

#include <algorithm>

namespace stillwatch::range {
namespace {

using Json = nlohmann::ordered_json;

// A shape is an example: every member of it is wanted, of its kind. Of a list every item is like the first of the
// example's; a member named "*" stands for all members, whatever their names, and one whose name ends in "?" is wanted
// only where it is.
std::string misfit(const Json& value, const Json& like, const std::string& path) {
  const auto wants = [&](std::string_view what) { return fmt::format("{}: {} is wanted", path, what); };
  const auto within = [&](const auto& key) { return fmt::format("{}{}{}", path, path.empty() ? "" : ".", key); };
  if (like.is_number_unsigned()) return value.is_number_unsigned() ? "" : wants("a count");
  if (like.is_number()) return value.is_number() ? "" : wants("a number");
  if (like.is_string()) return value.is_string() ? "" : wants("a text");
  if (like.is_boolean()) return value.is_boolean() ? "" : wants("true or false");
  if (like.is_array()) {
    if (!value.is_array()) return wants("a list");
    for (size_t i = 0; i < value.size(); ++i) {
      if (std::string why = misfit(value[i], like.front(), fmt::format("{}[{}]", path, i)); !why.empty()) return why;
    }
    return "";
  }
  if (!value.is_object()) return path.empty() ? "an object is wanted" : wants("an object");
  for (const auto& [key, member] : like.items()) {
    if (key == "*") {
      for (const auto& [name, any] : value.items()) {
        if (std::string why = misfit(any, member, within(name)); !why.empty()) return why;
      }
    } else if (key.ends_with('?')) {
      const std::string name = key.substr(0, key.size() - 1);
      if (!value.contains(name)) continue;
      if (std::string why = misfit(value[name], member, within(name)); !why.empty()) return why;
    } else if (!value.contains(key)) {
      return fmt::format("{}: it is missing", within(key));
    } else if (std::string why = misfit(value[key], member, within(key)); !why.empty()) {
      return why;
    }
  }
  return "";
}

// Of a trial named `FAMILY/SEED/REST`; null where there is none.
const Json* shape_of(std::string_view family, std::string_view rest) {
  const Json count = 0U, number = 0.0, text = "";
  const Json exam{{"right", count}, {"asked", count}};
  static const Json served{{"serving", text}, {"strength", number},      {"exam", exam},
                           {"tokens", count}, {"tokens_in_turn", count}, {"compute", number}};
  static const Json waits{
      {"waits", Json::array({{{"serving", text}, {"first", number}, {"answer", number}, {"whole", number}}})}};
  static const Json watched{{"problems", count},
                            {"problems_before_flag", count},
                            {"problems_before_refusal", count},
                            {"honest", {{"classes", {{"*", {{"accounts", count}, {"flagged", count}}}}}}}};
  static const Json arm{{"arm", text},
                        {"description", text},
                        {"serving", text},
                        {"problems", count},
                        {"whole", count},
                        {"exam", exam},
                        {"attribution", Json::array({{{"mark", text}, {"test", text}, {"log10_p", number}}})}};
  static const Json point{{"exam", exam}};
  const Json test{{"z", number}, {"log10_p", number}};
  static const Json marked{{"scheme", text},
                           {"context", count},
                           {"share", number},
                           {"radioactivity", test},
                           {"radioactivity-filtered", test},
                           {"contrast", test},
                           {"contrast-filtered", test},
                           {"reading?", test},
                           {"reading-contrast?", test},
                           {"reading-contrast-base?", test}};
  const Json tested{{"radioactivity", number},
                    {"radioactivity-filtered", number},
                    {"contrast", number},
                    {"contrast-filtered", number},
                    {"reading?", number},
                    {"reading-contrast?", number},
                    {"reading-contrast-base?", number}};
  static const Json clean{{"log10_p", {{"*", tested}}}};
  if (family == "ladder" && rest == "waits") return &waits;
  if (family == "ladder") return rest.starts_with("served/") ? &served : rest == "watched" ? &watched : &arm;
  if (family == "curve") return &point;
  if (family == "inheritance") return rest.starts_with("clean/") ? &clean : &marked;
  return nullptr;
}

}  // namespace

std::string misfit_of(std::string_view trial, const Json& result) {
  const size_t seed = trial.find('/'), rest = seed == trial.npos ? trial.npos : trial.find('/', seed + 1);
  if (rest == trial.npos) return "";
  const Json* shape = shape_of(trial.substr(0, seed), trial.substr(rest + 1));
  if (shape == nullptr) return "";
  if (std::string why = misfit(result, *shape, ""); !why.empty() || !shape->contains("exam")) return why;
  const auto right = result["exam"]["right"].get<uint64_t>(), asked = result["exam"]["asked"].get<uint64_t>();
  return asked == 0 || right > asked ? fmt::format("exam.right: {} of {} cannot be", right, asked) : "";
}

}  // namespace stillwatch::range
