#include "watermark/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/encoding.h"
#include "base/limits.h"

namespace stillwatch::watermark {
namespace {

using base::ErrorCode;
using base::Result;
using Json = nlohmann::ordered_json;

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json record(const char* kind, base::Time time) {
  return {{"evidence", 1}, {"record", kind}, {"time", base::format_rfc3339(time)}};
}

std::string text_of(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// A number within bounds, whole ones included; nothing else.
std::optional<double> number_of(const Json& object, const char* key, double low, double high) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number()) return std::nullopt;
  const double value = it->get<double>();
  return value >= low && value <= high ? std::optional(value) : std::nullopt;
}

std::optional<uint64_t> id_of(const Json& object) {
  const std::string text = text_of(object, "key");
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  if (text.size() != 16 || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

Result<HashList> hashes_of(const Json& object, const char* key) {
  const auto bytes = base::from_base64(text_of(object, key));
  if (!bytes) return base::fail(ErrorCode::kInput, "its hashes are not base64");
  return HashList::parse(*bytes);
}

}  // namespace

std::string mark_line(base::Time time, std::string_view label, const Key& key, const Mark& mark, Units units) {
  Json json = record("mark", time);
  json["key"] = id_text(key.id());
  json["label"] = label;
  json["units"] = units == Units::kWords ? "words" : "tokens";
  json["scheme"] = name_of(mark.scheme);
  json["context"] = mark.context;
  json["gamma"] = mark.gamma;
  json["layers"] = mark.layers;
  return line_of(json);
}

std::string answer_line(base::Time time, std::string_view account, const Key& key, const DraftSketch& sketch) {
  Json json = record("answer", time);
  json["account"] = account;
  json["key"] = id_text(key.id());
  json["drafts"] = sketch.distinct_drafts();
  json["windows"] = base::to_base64(sketch.windows().bytes());
  return line_of(json);
}

std::string answer_line(base::Time time, std::string_view account, const Key& key, const ContextSketch& sketch) {
  Json json = record("answer", time);
  json["account"] = account;
  json["key"] = id_text(key.id());
  json["contexts"] = base::to_base64(sketch.contexts().bytes());
  return line_of(json);
}

std::string pool_line(base::Time time, std::string_view label, size_t size, std::string_view hash) {
  Json json = record("pool", time);
  json["label"] = label;
  json["size"] = size;
  json["hash"] = hash;
  return line_of(json);
}

std::string canary_line(base::Time time, std::string_view account, std::string_view pool_hash, uint32_t index) {
  Json json = record("canary", time);
  json["account"] = account;
  json["pool"] = pool_hash;
  json["index"] = index;
  return line_of(json);
}

const MarkEvidence* Evidence::find_mark(uint64_t key_id) const {
  const auto it = std::find_if(marks.begin(), marks.end(), [&](const MarkEvidence& m) { return m.key_id == key_id; });
  return it != marks.end() ? &*it : nullptr;
}

// Reads one record into the evidence; the sentence says what is wrong with it.
class EvidenceReader {
 public:
  EvidenceReader(Evidence& evidence, const Json& json) : evidence_(evidence), json_(json) {}

  Result<void> read() {
    const auto time = base::parse_rfc3339(text_of(json_, "time"));
    if (!number_of(json_, "evidence", 1, 1) || !time)
      return broken("it is no record of evidence, version 1, with a time");
    time_ = *time;
    const std::string kind = text_of(json_, "record");
    if (kind == "mark") return mark();
    if (kind == "answer") return answer();
    if (kind == "pool") return pool();
    if (kind == "canary") return canary();
    return broken("`record` is none of mark, answer, pool, canary");
  }

 private:
  static Result<void> broken(std::string_view what) { return base::fail(ErrorCode::kInput, std::string(what)); }

  Result<void> mark() {
    MarkEvidence m;
    const auto id = id_of(json_);
    const auto scheme = scheme_named(text_of(json_, "scheme"));
    const auto context = number_of(json_, "context", 1, kContextMax);
    const auto gamma = number_of(json_, "gamma", 0, 1);
    const auto layers = number_of(json_, "layers", 1, kLayersMax);
    const std::string units = text_of(json_, "units");
    if (!id || !scheme || !context || !gamma || !layers || (units != "words" && units != "tokens"))
      return broken("a mark has `key`, `label`, `units`, `scheme`, `context`, `gamma` and `layers`");
    m.key_id = *id;
    m.label = text_of(json_, "label");
    m.units = units == "words" ? Units::kWords : Units::kTokens;
    m.mark = {*scheme, static_cast<int>(*context), *gamma, 0, static_cast<int>(*layers)};
    if (auto ok = m.mark.check(); !ok) return ok;
    if (const MarkEvidence* known = evidence_.find_mark(*id)) {  // said again after a restart
      const bool same = known->label == m.label && known->units == m.units && known->mark.scheme == m.mark.scheme &&
                        known->mark.context == m.mark.context && known->mark.gamma == m.mark.gamma &&
                        known->mark.layers == m.mark.layers;
      return same ? Result<void>() : broken("the same key was used for a mark of another kind");
    }
    m.first = m.last = time_;
    evidence_.marks.push_back(std::move(m));
    return {};
  }

  Result<void> answer() {
    const auto id = id_of(json_);
    const auto m = std::find_if(evidence_.marks.begin(), evidence_.marks.end(),
                                [&](const MarkEvidence& known) { return id && known.key_id == *id; });
    if (m == evidence_.marks.end()) return broken("an answer's `key` was not announced by a mark before");
    if (json_.contains("windows")) {
      DraftSketch sketch;
      const auto drafts = number_of(json_, "drafts", 1, 1e6);
      auto windows = hashes_of(json_, "windows");
      if (!windows) return tl::unexpected(windows.error());
      if (!drafts) return broken("an answer with `windows` says of how many `drafts` they are");
      sketch.distinct_drafts_ = static_cast<size_t>(*drafts);
      sketch.windows_ = std::move(*windows);
      m->unmarked += sketch.distinct_drafts_ < 2;
      m->filter.add(sketch);
    } else {
      ContextSketch sketch;
      auto contexts = hashes_of(json_, "contexts");
      if (!contexts) return tl::unexpected(contexts.error());
      sketch.contexts_ = std::move(*contexts);
      m->filter.add(sketch);
    }
    if (m->filter.size() > base::kWatermarkWindowsMax)
      return broken(fmt::format("there are more than {} hashes of one key: split the evidence by time",
                                base::kWatermarkWindowsMax));
    ++m->answers;
    m->accounts.insert(text_of(json_, "account"));
    m->first = std::min(m->first, time_);
    m->last = std::max(m->last, time_);
    return {};
  }

  Result<void> pool() {
    const auto size = number_of(json_, "size", 1, 1e5);
    PoolEvidence p{text_of(json_, "label"), text_of(json_, "hash"), static_cast<size_t>(size.value_or(0)), time_, {}};
    if (!size || p.hash.size() != 64) return broken("a pool has `label`, `size` and a `hash` of 64 hexadecimal digits");
    if (find_pool(p.hash) == nullptr) evidence_.pools.push_back(std::move(p));
    return {};
  }

  Result<void> canary() {
    PoolEvidence* pool = find_pool(text_of(json_, "pool"));
    if (pool == nullptr) return broken("a canary's `pool` was not committed to before");
    const auto index = number_of(json_, "index", 0, static_cast<double>(pool->size) - 1);
    if (!index) return broken("a canary's `index` is none of its pool");
    if (time_ < pool->committed) return broken("a canary was given before its pool was committed to");
    pool->issued[static_cast<uint32_t>(*index)].insert(text_of(json_, "account"));
    return {};
  }

  PoolEvidence* find_pool(std::string_view hash) {
    const auto it = std::find_if(evidence_.pools.begin(), evidence_.pools.end(),
                                 [&](const PoolEvidence& p) { return p.hash == hash; });
    return it != evidence_.pools.end() ? &*it : nullptr;
  }

  Evidence& evidence_;
  const Json& json_;
  base::Time time_{};
};

Result<void> Evidence::read(std::string_view text, std::string_view name) {
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == text.npos) break;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const auto at = [&](std::string_view what) {
      return base::fail(ErrorCode::kInput, fmt::format("{}:{}: {}", name, number, what));
    };
    if (line.size() > kEvidenceLineBytesMax) return at("the line is longer than 4 MiB");
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) return at("not a JSON object");
    if (const auto ok = EvidenceReader(*this, json).read(); !ok) return at(ok.error().message);
  }
  return {};
}

}  // namespace stillwatch::watermark
