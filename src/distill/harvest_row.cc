#include "distill/harvest_row.h"

#include <simdjson.h>

#include <nlohmann/json.hpp>

namespace stillwatch::distill {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json token_json(const std::string& token) {
  if (simdjson::validate_utf8(token)) return token;
  std::string hex;
  for (const char c : token) {
    const auto byte = static_cast<unsigned char>(c);
    hex.push_back(kHexDigits[byte >> 4]);
    hex.push_back(kHexDigits[byte & 15]);
  }
  return {{"hex", hex}};
}

Json logprobs_json(const std::vector<net::TokenLogprob>& tokens) {
  Json out = Json::array();
  for (const net::TokenLogprob& t : tokens) {
    Json top = Json::array();
    for (const auto& [token, logprob] : t.top) top.push_back(Json::array({token_json(token), logprob}));
    out.push_back(Json::array({token_json(t.token), t.logprob, std::move(top)}));
  }
  return out;
}

Json terms_json(const Terms& terms) {
  Json parameters = Json::object();
  if (terms.temperature) parameters["temperature"] = *terms.temperature;
  if (terms.top_p) parameters["top_p"] = *terms.top_p;
  if (terms.max_tokens) parameters["max_tokens"] = *terms.max_tokens;
  if (terms.interface.logprobs) parameters["top_logprobs"] = terms.top_logprobs;
  return {{"model", terms.model}, {"interface", name_of(terms.interface)}, {"parameters", std::move(parameters)}};
}

constexpr std::string_view name_of_kind(net::ChatFailure::Kind kind) {
  switch (kind) {
    case net::ChatFailure::Kind::kTransport:
      return "no answer";
    case net::ChatFailure::Kind::kRefused:
      return "refused";
    case net::ChatFailure::Kind::kBusy:
      return "busy";
    case net::ChatFailure::Kind::kNotJson:
      return "no JSON";
    case net::ChatFailure::Kind::kWrongShape:
      return "no chat completion";
  }
  return "";
}

}  // namespace

std::string name_of(Interface interface) {
  if (interface.reasoning) return interface.logprobs ? "reasoning+logprobs" : "reasoning";
  return interface.logprobs ? "logprobs" : "answers";
}

std::optional<Interface> interface_of(std::string_view name) {
  for (const Interface i : {Interface{false, false}, {true, false}, {false, true}, {true, true}}) {
    if (name_of(i) == name) return i;
  }
  return std::nullopt;
}

std::string Terms::to_json() const {
  return dump(terms_json(*this));
}

std::string to_row(const Prompt& prompt, const std::string& id, const net::ChatResponse& response, const Terms& terms,
                   const Provenance& provenance) {
  const net::ChatChoice& choice = response.choices.front();
  Json row;
  row["id"] = id;
  Json& messages = row["messages"] = Json::array();
  for (const net::ChatMessage& m : prompt.messages) messages.push_back({{"role", m.role}, {"content", m.content}});
  Json answer = {{"role", "assistant"}};
  if (terms.interface.reasoning && !choice.reasoning.empty()) answer["reasoning_content"] = choice.reasoning;
  answer["content"] = choice.content;
  messages.push_back(std::move(answer));
  if (terms.interface.logprobs) {
    row["logprobs"] = logprobs_json(choice.logprobs);
    if (terms.interface.reasoning) row["reasoning_logprobs"] = logprobs_json(choice.reasoning_logprobs);
  }
  Json& teacher = row["teacher"] = terms_json(terms);
  teacher["endpoint"] = provenance.endpoint;
  teacher["answered_by"] = response.model;
  teacher["response_id"] = response.id;
  teacher["time"] = base::format_rfc3339(provenance.time);
  teacher["finish_reason"] = choice.finish_reason;
  teacher["attempts"] = response.attempts;
  if (response.usage) {
    teacher["usage"] = {{"prompt_tokens", response.usage->prompt_tokens},
                        {"completion_tokens", response.usage->completion_tokens},
                        {"reasoning_tokens", response.usage->reasoning_tokens}};
  }
  return dump(row) + "\n";
}

std::string to_reject(const std::string& id, const net::ChatFailure& failure, base::Time time) {
  return dump(Json{{"id", id},
                   {"why", name_of_kind(failure.kind)},
                   {"status", failure.status},
                   {"attempts", failure.attempts},
                   {"time", base::format_rfc3339(time)},
                   {"body", failure.body}}) +
         "\n";
}

std::optional<RowFacts> read_row_facts(std::string_view line) {
  const Json row = Json::parse(line, nullptr, false);
  const auto text = [](const Json& object, const char* key) {
    const auto it = object.find(key);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  if (!row.is_object() || !row.contains("teacher") || !row["teacher"].is_object()) return std::nullopt;
  const Json& teacher = row["teacher"];
  RowFacts facts;
  facts.id = text(row, "id");
  if (facts.id.empty() || !teacher.contains("parameters")) return std::nullopt;
  facts.terms = dump(Json{{"model", text(teacher, "model")},
                          {"interface", text(teacher, "interface")},
                          {"parameters", teacher["parameters"]}});
  const auto usage = teacher.find("usage");
  const auto count = [&](const char* key) {
    const auto it = usage->find(key);
    return it != usage->end() && it->is_number_integer() ? it->get<int64_t>() : 0;
  };
  if (usage != teacher.end() && usage->is_object()) {
    facts.prompt_tokens = count("prompt_tokens");
    facts.completion_tokens = count("completion_tokens");
  }
  return facts;
}

}  // namespace stillwatch::distill
