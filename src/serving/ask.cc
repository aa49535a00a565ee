#include "serving/ask.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace stillwatch::serving {
namespace {

using Json = nlohmann::json;

// Fields of a body, the first fault kept.
class Fields {
 public:
  explicit Fields(const Json& body) : body_(body) {}

  const Json* find(const char* field) const {
    const auto it = body_.find(field);
    return it == body_.end() || it->is_null() ? nullptr : &*it;
  }
  template <typename T>
  void number(const char* field, T& out, double low, double high) {
    const Json* value = find(field);
    if (value == nullptr) return;
    if (!value->is_number() || value->get<double>() < low || value->get<double>() > high ||
        (std::is_integral_v<T> && !value->is_number_integer()))
      return fail(field, fmt::format("is not a number from {} to {}", low, high));
    out = value->get<T>();
  }
  void flag(const char* field, bool& out) {
    const Json* value = find(field);
    if (value == nullptr) return;
    if (!value->is_boolean()) return fail(field, "is neither true nor false");
    out = value->get<bool>();
  }
  void text(const char* field, std::string& out) {
    const Json* value = find(field);
    if (value == nullptr) return;
    if (!value->is_string()) return fail(field, "is no text");
    out = value->get<std::string>();
  }
  void unknown(const char* field, const Json& harmless) {
    const Json* value = find(field);
    if (value != nullptr && *value != harmless) fail(field, "is not served here");
  }
  void fail(const char* field, std::string_view what) {
    if (!refusal_) refusal_ = Refusal{fmt::format("`{}` {}", field, what), field};
  }
  const std::optional<Refusal>& refusal() const { return refusal_; }

 private:
  const Json& body_;
  std::optional<Refusal> refusal_;
};

void read_stop(Fields& f, Ask& ask) {
  const Json* stop = f.find("stop");
  if (stop == nullptr) return;
  const Json list = stop->is_array() ? *stop : Json::array({*stop});
  if (list.size() > kStopsMax) return f.fail("stop", fmt::format("holds more than {} texts", kStopsMax));
  for (const Json& s : list) {
    if (!s.is_string() || s.get_ref<const std::string&>().empty() ||
        s.get_ref<const std::string&>().size() > kStopBytesMax)
      return f.fail("stop", fmt::format("holds something other than texts of 1 to {} bytes", kStopBytesMax));
    ask.stop.push_back(s.get<std::string>());
  }
}

void read_bias(Fields& f, Ask& ask) {
  const Json* bias = f.find("logit_bias");
  if (bias == nullptr) return;
  if (!bias->is_object() || bias->size() > kBiasesMax)
    return f.fail("logit_bias", fmt::format("is no object of at most {} tokens", kBiasesMax));
  for (const auto& [name, value] : bias->items()) {
    int32_t token = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), token);
    if (error != std::errc() || end != name.data() + name.size() || token < 0 || !value.is_number() ||
        !(std::abs(value.get<double>()) <= 100))
      return f.fail("logit_bias", "holds something other than tokens with numbers from -100 to 100");
    ask.sampling.bias[token] = value.get<float>();
  }
}

void read_prompts(Fields& f, Ask& ask) {
  const Json* prompt = f.find("prompt");
  if (prompt == nullptr) return f.fail("prompt", "is missing");
  const Json list = prompt->is_array() ? *prompt : Json::array({*prompt});
  for (const Json& p : list) {
    if (!p.is_string()) return f.fail("prompt", "is neither text nor a list of texts");
    ask.prompts.push_back(p.get<std::string>());
  }
  if (ask.prompts.empty() || ask.prompts.size() > kChoicesMax)
    f.fail("prompt", fmt::format("is not a list of 1 to {} texts", kChoicesMax));
}

void read_logprobs(Fields& f, Ask& ask) {
  if (!ask.chat) {
    uint32_t top = 0;
    f.number("logprobs", top, 0, kTopLogprobsMax);
    ask.logprobs = f.find("logprobs") != nullptr;
    ask.sampling.logprobs = top;
    return;
  }
  f.flag("logprobs", ask.logprobs);
  f.number("top_logprobs", ask.sampling.logprobs, 0, kTopLogprobsMax);
  if (ask.sampling.logprobs > 0 && !ask.logprobs) f.fail("top_logprobs", "asks for `logprobs`: true beside it");
}

}  // namespace

AskResult parse_ask(std::string_view body, bool chat) {
  const Json root = Json::parse(body, nullptr, false);
  if (!root.is_object()) return tl::unexpected(Refusal{"the body is no JSON object", ""});
  Fields f(root);
  Ask ask;
  ask.chat = chat;
  f.text("model", ask.model);
  f.number("n", ask.n, 1, kChoicesMax);
  f.number("temperature", ask.sampling.temperature, 0, 2);
  f.number("top_p", ask.sampling.top_p, 1e-9, 1);
  f.number("top_k", ask.sampling.top_k, 0, 1 << 20);
  if (f.find("seed") != nullptr) {
    int64_t seed = 0;
    f.number("seed", seed, -9.3e18, 9.3e18);
    ask.seed = static_cast<uint64_t>(seed);
  }
  f.flag("stream", ask.stream);
  if (chat) {
    f.unknown("echo", false);
  } else {
    f.flag("echo", ask.echo);
  }
  if (ask.echo && ask.stream) f.fail("echo", "is not served as a stream");
  for (const char* field : {"max_tokens", "max_completion_tokens"}) {
    if (f.find(field) == nullptr) continue;
    uint32_t most = 0;
    f.number(field, most, ask.echo ? 0 : 1, 1 << 20);
    ask.tokens_max = most;
  }
  if (const Json* options = f.find("stream_options"); options != nullptr && options->is_object()) {
    Fields inner(*options);
    inner.flag("include_usage", ask.stream_usage);
    if (inner.refusal()) f.fail("stream_options", "has an `include_usage` that is neither true nor false");
  }
  read_stop(f, ask);
  read_bias(f, ask);
  read_logprobs(f, ask);
  f.flag("return_tokens_as_token_ids", ask.token_ids);
  f.unknown("frequency_penalty", 0);
  f.unknown("presence_penalty", 0);
  f.unknown("tools", Json::array());
  f.unknown("functions", Json::array());
  f.unknown("response_format", {{"type", "text"}});
  f.unknown("suffix", "");
  f.unknown("best_of", 1);
  if (chat) {
    auto messages = model::read_messages(root);
    if (!messages) {
      f.fail("messages", messages.error().message);
    } else {
      ask.messages = std::move(*messages);
    }
  } else {
    read_prompts(f, ask);
  }
  if (!f.refusal() && ask.choices() > kChoicesMax)
    f.fail("n", fmt::format("asks for more than {} answers", kChoicesMax));
  if (f.refusal()) return tl::unexpected(*f.refusal());
  return ask;
}

}  // namespace stillwatch::serving
