// stillwatch_standin [--port N]: a stand-in for a model server, on loopback, until it is ended. It speaks the APIs of
// OpenAI (chat completions, models) and Anthropic (messages), streamed or not, and knows nothing: its answers are
// filler words, 64 tokens of them or as many as the field X-Stand-In-Tokens says. With it a gateway can be tried where
// there is no model; any other server of these APIs may take its place.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>

#include "dialect/json.h"
#include "gateway/peers.h"

namespace stillwatch {
namespace {

using dialect::json::Element;

constexpr size_t kTokensMax = 8192;
constexpr size_t kBytesAToken = 4;
constexpr size_t kEventTokens = 32;

// Filler, about four bytes a token.
std::string words(size_t tokens) {
  constexpr std::array<std::string_view, 8> kWords = {"lorem", "in", "an", "ipsum", "to", "sit", "dolor", "ut"};
  std::string text;
  for (size_t i = 0; text.size() < kBytesAToken * tokens; ++i) {
    if (i > 0) text += ' ';
    text += kWords[i % kWords.size()];
  }
  return text;
}

std::string openai(std::string_view model, size_t prompt_tokens, size_t tokens) {
  return fmt::format(
      R"({{"id":"standin","object":"chat.completion","model":"{}","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{}}}}})",
      model, words(tokens), prompt_tokens, tokens, prompt_tokens + tokens);
}

std::string anthropic(std::string_view model, size_t prompt_tokens, size_t tokens) {
  return fmt::format(
      R"({{"id":"standin","type":"message","role":"assistant","model":"{}","content":[{{"type":"text","text":"{}"}}],"stop_reason":"end_turn","usage":{{"input_tokens":{},"output_tokens":{}}}}})",
      model, words(tokens), prompt_tokens, tokens);
}

std::string openai_stream(std::string_view model, size_t prompt_tokens, size_t tokens) {
  std::string out;
  for (size_t left = tokens; left > 0; left -= std::min(left, kEventTokens)) {
    out += fmt::format(
        R"(data: {{"object":"chat.completion.chunk","model":"{}","choices":[{{"index":0,"delta":{{"content":"{}"}}}}]}})",
        model, words(std::min(left, kEventTokens)));
    out += "\n\n";
  }
  out += fmt::format(
      R"(data: {{"object":"chat.completion.chunk","model":"{}","choices":[],"usage":{{"prompt_tokens":{},"completion_tokens":{}}}}})",
      model, prompt_tokens, tokens);
  return out + "\n\ndata: [DONE]\n\n";
}

std::string anthropic_stream(std::string_view model, size_t prompt_tokens, size_t tokens) {
  const auto event = [](std::string_view type, const std::string& data) {
    return fmt::format("event: {0}\ndata: {{\"type\":\"{0}\",{1}}}\n\n", type, data);
  };
  std::string out = event(
      "message_start",
      fmt::format(
          R"("message":{{"id":"standin","type":"message","role":"assistant","model":"{}","content":[],"usage":{{"input_tokens":{},"output_tokens":1}}}})",
          model, prompt_tokens));
  out += event("content_block_start", R"("index":0,"content_block":{"type":"text","text":""})");
  for (size_t left = tokens; left > 0; left -= std::min(left, kEventTokens)) {
    out += event("content_block_delta", fmt::format(R"("index":0,"delta":{{"type":"text_delta","text":"{}"}})",
                                                    words(std::min(left, kEventTokens))));
  }
  out += event("content_block_stop", R"("index":0)");
  out += event("message_delta",
               fmt::format(R"("delta":{{"stop_reason":"end_turn"}},"usage":{{"output_tokens":{}}})", tokens));
  return out + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
}

std::string error(std::string_view why) {
  const std::string body =
      fmt::format(R"({{"error":{{"message":"stand-in: {}","type":"invalid_request_error"}}}})", why);
  return fmt::format("HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                     body.size(), body);
}

size_t tokens_wanted(const wire::RequestHead& head) {
  const std::string_view text = head.find("x-stand-in-tokens");
  size_t tokens = 64;
  std::from_chars(text.data(), text.data() + text.size(), tokens);
  return std::min(tokens, kTokensMax);
}

// A name that needs no escapes in JSON.
std::string plain(std::string_view name) {
  std::string out(name.substr(0, 64));
  for (char& c : out) {
    if (c == '"' || c == '\\' || wire::is_control(c) || c == '\t') c = '?';
  }
  return out;
}

std::string reply(const gateway::Message& m) {
  wire::RequestHead head;
  const auto head_text = std::string_view(m.raw).substr(0, wire::find_head_end(m.raw, 0));
  if (!wire::parse_request(head_text, head)) return error("this is no request");
  const std::string_view path = wire::path_of(head.target);
  if (head.method == "GET" && path.ends_with("/models"))
    return gateway::answer(R"({"object":"list","data":[{"id":"standin","object":"model","owned_by":"nobody"}]})");
  simdjson::dom::parser parser;
  Element body;
  if (parser.parse(m.payload).get(body) != simdjson::SUCCESS) return error("the body is no JSON");
  const std::string model = plain(dialect::json::text(body, "model"));
  const bool stream = dialect::json::boolean(body, "stream");
  const size_t prompt_tokens = m.payload.size() / kBytesAToken;
  const size_t tokens = tokens_wanted(head);
  const bool messages = path.ends_with("/messages");
  if (!messages && !path.ends_with("/chat/completions")) return error("it knows chat completions and messages only");
  if (!stream) return gateway::answer((messages ? anthropic : openai)(model, prompt_tokens, tokens));
  return gateway::answer((messages ? anthropic_stream : openai_stream)(model, prompt_tokens, tokens),
                         "text/event-stream");
}

}  // namespace
}  // namespace stillwatch

int main(int argc, char** argv) {
  CLI::App app("A stand-in for a model server: speaks the APIs, knows nothing");
  uint16_t port = 0;
  app.add_option("--port", port, "On loopback; 0 chooses one");
  CLI11_PARSE(app, argc, argv);
  stillwatch::gateway::Upstream server(stillwatch::reply, port);
  server.records_ = false;
  fmt::print("stand-in for a model server on port {}\n", server.port());
  std::fflush(stdout);
  while (true) ::pause();
}
