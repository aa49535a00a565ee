#include "serving/answer.h"

#include <fmt/format.h>

namespace stillwatch::serving {
namespace {

using Json = nlohmann::ordered_json;

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);  // a token may be half a character
}

Json bytes_of(std::string_view piece) {
  Json out = Json::array();
  for (const char c : piece) out.push_back(static_cast<unsigned char>(c));
  return out;
}

std::string name_of(const Header& h, int32_t token, const model::Tokenizer& tokenizer) {
  return h.token_ids ? fmt::format("token_id:{}", token) : std::string(tokenizer.piece(token));
}

Json entry(const Header& h, int32_t token, float logprob, const model::Tokenizer& tokenizer) {
  return {{"token", name_of(h, token, tokenizer)}, {"logprob", logprob}, {"bytes", bytes_of(tokenizer.piece(token))}};
}

Json chat_logprobs(const Header& h, const std::vector<Token>& tokens, const model::Tokenizer& tokenizer) {
  Json out = Json::array();
  for (const Token& t : tokens) {
    Json e = entry(h, t.choice.token, t.choice.logprob, tokenizer);
    e["top_logprobs"] = Json::array();
    for (const auto& [token, logprob] : t.choice.alternatives)
      e["top_logprobs"].push_back(entry(h, token, logprob, tokenizer));
    out.push_back(std::move(e));
  }
  return out;
}

Json text_logprobs(const Header& h, const std::vector<Token>& tokens, const model::Tokenizer& tokenizer) {
  Json out{{"tokens", Json::array()},
           {"token_logprobs", Json::array()},
           {"top_logprobs", Json::array()},
           {"text_offset", Json::array()}};
  for (const Token& t : tokens) {
    out["tokens"].push_back(name_of(h, t.choice.token, tokenizer));
    out["token_logprobs"].push_back(t.foretold ? Json(t.choice.logprob) : Json(nullptr));
    Json top = t.foretold ? Json::object() : Json(nullptr);
    for (const auto& [token, logprob] : t.choice.alternatives) top[name_of(h, token, tokenizer)] = logprob;
    out["top_logprobs"].push_back(std::move(top));
    out["text_offset"].push_back(t.offset);
  }
  return out;
}

Json logprobs_of(const Header& h, const Piece& p, const model::Tokenizer& tokenizer) {
  if (!h.logprobs) return nullptr;
  if (!h.chat) return text_logprobs(h, p.content_tokens, tokenizer);
  Json out{{"content", chat_logprobs(h, p.content_tokens, tokenizer)}};
  if (!p.reasoning_tokens.empty()) out["reasoning_content"] = chat_logprobs(h, p.reasoning_tokens, tokenizer);
  return out;
}

Json finish_of(const Piece& p) {
  return p.finish_reason.empty() ? Json(nullptr) : Json(p.finish_reason);
}

Json frame(const Header& h, const char* chat, const char* text) {
  return {{"id", h.id}, {"object", h.chat ? chat : text}, {"created", h.created}, {"model", h.model}};
}

Json usage_json(const Usage& u) {
  return {{"prompt_tokens", u.prompt_tokens},
          {"completion_tokens", u.completion_tokens},
          {"total_tokens", u.prompt_tokens + u.completion_tokens},
          {"completion_tokens_details", {{"reasoning_tokens", u.reasoning_tokens}}}};
}

}  // namespace

std::string whole_json(const Header& h, const std::vector<Piece>& choices, const Usage& usage,
                       const model::Tokenizer& tokenizer) {
  Json out = frame(h, "chat.completion", "text_completion");
  out["choices"] = Json::array();
  for (const Piece& p : choices) {
    Json choice{{"index", p.index}};
    if (h.chat) {
      choice["message"] = {{"role", "assistant"}, {"content", p.content}};
      if (!p.reasoning.empty()) choice["message"]["reasoning_content"] = p.reasoning;
    } else {
      choice["text"] = p.content;
    }
    choice["logprobs"] = logprobs_of(h, p, tokenizer);
    choice["finish_reason"] = finish_of(p);
    out["choices"].push_back(std::move(choice));
  }
  out["usage"] = usage_json(usage);
  return dumped(out);
}

std::string piece_event(const Header& h, const Piece& p, const model::Tokenizer& tokenizer) {
  Json out = frame(h, "chat.completion.chunk", "text_completion");
  Json choice{{"index", p.index}};
  if (h.chat) {
    Json delta = Json::object();
    if (p.first) delta["role"] = "assistant";
    if (!p.reasoning.empty()) delta["reasoning_content"] = p.reasoning;
    if (!p.content.empty() || p.first) delta["content"] = p.content;
    choice["delta"] = std::move(delta);
  } else {
    choice["text"] = p.content;
  }
  const bool any = !p.content_tokens.empty() || !p.reasoning_tokens.empty();
  choice["logprobs"] = any ? logprobs_of(h, p, tokenizer) : Json(nullptr);
  choice["finish_reason"] = finish_of(p);
  out["choices"] = Json::array({std::move(choice)});
  return "data: " + dumped(out) + "\n\n";
}

std::string usage_event(const Header& h, const Usage& usage) {
  Json out = frame(h, "chat.completion.chunk", "text_completion");
  out["choices"] = Json::array();
  out["usage"] = usage_json(usage);
  return "data: " + dumped(out) + "\n\n";
}

std::string error_json(std::string_view message, std::string_view field, std::string_view type) {
  return dumped({{"error",
                  {{"message", message},
                   {"type", type},
                   {"param", field.empty() ? Json(nullptr) : Json(field)},
                   {"code", nullptr}}}});
}

}  // namespace stillwatch::serving
