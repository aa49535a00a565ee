#include "dialect/field_map.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/limits.h"

namespace stillwatch::dialect {
namespace {

using base::ErrorCode;

constexpr std::array<std::string_view, 19> kFields = {
    "time",       "account",   "network",       "client",        "organization", "user",   "model",
    "request_id", "status",    "request",       "response",      "messages",     "system", "prompt",
    "answer",     "reasoning", "prompt_tokens", "output_tokens", "join"};
constexpr std::array<std::string_view, 5> kJoinFields = {"request_id", "account", "network", "client", "organization"};

template <size_t N>
bool known(const std::array<std::string_view, N>& fields, const std::string& key) {
  return std::find(fields.begin(), fields.end(), key) != fields.end();
}

}  // namespace

std::optional<std::vector<FieldMap::Step>> FieldMap::parse_path(std::string_view text) {
  std::vector<Step> path;
  constexpr size_t kStepsMax = 32;
  while (!text.empty() && path.size() < kStepsMax) {
    if (text.front() == '[') {
      const size_t close = text.find(']');
      if (close == std::string_view::npos) return std::nullopt;
      size_t index = 0;
      const auto [end, error] = std::from_chars(text.data() + 1, text.data() + close, index);
      if (error != std::errc() || end != text.data() + close) return std::nullopt;
      path.emplace_back(index);
      text.remove_prefix(close + 1);
    } else {
      const size_t end = std::min(text.find_first_of(".["), text.size());
      if (end == 0) return std::nullopt;
      path.emplace_back(std::string(text.substr(0, end)));
      text.remove_prefix(end);
    }
    if (!text.empty() && text.front() == '.') {
      text.remove_prefix(1);
      if (text.empty()) return std::nullopt;
    }
  }
  if (path.empty() || !text.empty()) return std::nullopt;
  return path;
}

base::Result<FieldMap> FieldMap::parse(std::string_view yaml, std::string_view name) {
  YAML::Node root;
  try {  // the parser's only way to say no
    root = YAML::Load(std::string(yaml));
  } catch (const YAML::Exception& e) {
    return base::fail(ErrorCode::kUsage, fmt::format("{}:{}:{}: {}", name, e.mark.line + 1, e.mark.column + 1, e.msg));
  }
  const auto wrong = [&](const YAML::Node& at, std::string_view what) {
    return base::fail(ErrorCode::kUsage,
                      fmt::format("{}:{}:{}: {}", name, at.Mark().line + 1, at.Mark().column + 1, what));
  };
  if (!root.IsMap()) return wrong(root, "a field map is a YAML map from fields to paths");
  FieldMap map;
  const auto read_place = [&](const YAML::Node& key, const YAML::Node& value, Places& out) -> base::Result<void> {
    if (value.IsMap() && value.size() == 1 && value["value"] && value["value"].IsScalar()) {
      out[key.Scalar()] = Place{{}, value["value"].Scalar()};
      return {};
    }
    const auto path = value.IsScalar() ? parse_path(value.Scalar()) : std::nullopt;
    if (!path)
      return wrong(value, fmt::format("`{}` needs a path such as usage.tokens or items[0].text", key.Scalar()));
    out[key.Scalar()] = Place{*path, {}};
    return {};
  };
  for (const auto& entry : root) {
    if (!entry.first.IsScalar() || !known(kFields, entry.first.Scalar())) {
      return wrong(entry.first, fmt::format("no such field; use {}", fmt::join(kFields, ", ")));
    }
    if (entry.first.Scalar() != "join") {
      if (auto ok = read_place(entry.first, entry.second, map.fields_); !ok) return tl::unexpected(ok.error());
      continue;
    }
    if (!entry.second.IsMap()) return wrong(entry.second, "`join` is a map with request_id and account");
    for (const auto& inner : entry.second) {
      if (!inner.first.IsScalar() || !known(kJoinFields, inner.first.Scalar())) {
        return wrong(inner.first, fmt::format("no such field; use {}", fmt::join(kJoinFields, ", ")));
      }
      if (auto ok = read_place(inner.first, inner.second, map.join_); !ok) return tl::unexpected(ok.error());
    }
    if (map.join_.count("request_id") == 0) return wrong(entry.second, "`join` needs `request_id`");
  }
  if (map.fields_.count("time") == 0) return wrong(root, "`time` is missing");
  if (map.fields_.count("request") + map.fields_.count("prompt") + map.fields_.count("messages") == 0) {
    return wrong(root, "one of `request`, `messages` and `prompt` is needed");
  }
  return map;
}

std::optional<json::Element> FieldMap::find(const Place& place, json::Element record) {
  for (const Step& step : place.path) {
    json::Element next;
    if (const auto* key = std::get_if<std::string>(&step)) {
      if (!record.is_object() || record[*key].get(next) != simdjson::SUCCESS) return std::nullopt;
    } else {
      simdjson::dom::array array;
      if (record.get(array) != simdjson::SUCCESS || array.at(std::get<size_t>(step)).get(next) != simdjson::SUCCESS)
        return std::nullopt;
    }
    record = next;
  }
  return record.is_null() ? std::nullopt : std::optional(record);
}

std::optional<json::Element> FieldMap::element(std::string_view field, json::Element record) const {
  const auto it = fields_.find(field);
  return it == fields_.end() || it->second.path.empty() ? std::nullopt : find(it->second, record);
}

std::string_view FieldMap::text(std::string_view field, json::Element record) const {
  const auto it = fields_.find(field);
  if (it == fields_.end()) return {};
  return it->second.path.empty() ? std::string_view(it->second.constant) : json::text(find(it->second, record));
}

Problem FieldMap::read(json::Element record, ReadContext& context) const {
  context.clear();
  Exchange& e = context.exchange;
  Arena& arena = context.arena;
  if (!read_time(element("time", record), e.time)) return "the field mapped to `time` is missing or not a time";
  e.account = text("account", record);
  e.network = text("network", record);
  e.client = text("client", record);
  e.organization = text("organization", record);
  e.user = text("user", record);
  e.model = text("model", record);
  e.request_id = text("request_id", record);
  e.status = static_cast<int>(json::integer(element("status", record)).value_or(200));
  if (const auto request = context.nested.open(element("request", record))) read_request(*request, arena, e);
  if (const auto system = text("system", record); !system.empty()) e.system = arena.join(e.system, system);
  if (const auto messages = context.nested.open(element("messages", record))) {
    json::each(messages, [&](json::Element message) { read_message(message, arena, e); });
  }
  if (const Content prompt = read_content(element("prompt", record), arena); !prompt.text.empty()) {
    e.turns.push_back({Role::kUser, prompt.text, prompt.images, 0});
  }
  if (e.turns.empty() && e.system.empty()) return "no prompt where the field map says one is";
  if (const auto response = context.nested.open(element("response", record))) read_response(*response, arena, e);
  if (const auto answer = element("answer", record)) {
    e.answer = read_content(answer, arena).text;
    e.has_response = true;
  }
  if (const auto reasoning = text("reasoning", record); !reasoning.empty()) e.reasoning = reasoning;
  if (const auto tokens = json::integer(element("prompt_tokens", record))) e.prompt_tokens = tokens;
  if (const auto tokens = json::integer(element("output_tokens", record))) e.output_tokens = tokens;
  context.emit();
  return {};
}

base::Result<bool> FieldMap::read_identity(std::string_view line, IdentityIndex& index) const {
  thread_local simdjson::dom::parser parser{base::kLineBytesMax};
  json::Element record;
  if (line.size() > base::kLineBytesMax || parser.parse(line.data(), line.size()).get(record) != simdjson::SUCCESS)
    return false;
  const auto field = [&](std::string_view name) -> std::string {
    const auto it = join_.find(name);
    if (it == join_.end()) return {};
    const std::string_view text =
        it->second.path.empty() ? std::string_view(it->second.constant) : json::text(find(it->second, record));
    return std::string(text.substr(0, base::kIdentityBytesMax));
  };
  const std::string id = field("request_id");
  if (id.empty()) return false;
  if (auto ok = index.add(id, {field("account"), field("network"), field("client"), field("organization")}); !ok) {
    return tl::unexpected(ok.error());
  }
  return true;
}

}  // namespace stillwatch::dialect
