#include "population/request.h"

#include <fmt/format.h>

#include <iterator>

namespace stillwatch::population {
namespace {

class Writer {
 public:
  explicit Writer(std::string& line) : line_(line) {}

  template <typename... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(line_), format, std::forward<Args>(args)...);
  }
  void raw(std::string_view text) { line_ += text; }

  void openai_turn(const Said& said, size_t place) {
    switch (said.who) {
      case Speaker::kTool:
        put(R"({{"role":"tool","tool_call_id":"call_{}","content":"{}"}})", place - 1, said.text);
        break;
      case Speaker::kAssistant:
        raw("{");
        openai_answer(said, place);
        break;
      case Speaker::kUser:
        put(R"({{"role":"user","content":"{}"}})", said.text);
        break;
    }
  }
  // Without its opening brace, for a response has fields of its own in front.
  void openai_answer(const Said& said, size_t place) {
    if (said.tool.empty()) return put(R"("role":"assistant","content":"{}"}})", said.text);
    put(R"("role":"assistant","content":null,"tool_calls":[{{"id":"call_{}","type":"function","function":)", place);
    put(R"({{"name":"{}","arguments":"{{\"path\":\"{}\"}}"}}}}]}})", said.tool, said.text);
  }

  void anthropic_turn(const Said& said, size_t place) {
    switch (said.who) {
      case Speaker::kTool:
        put(R"({{"role":"user","content":[{{"type":"tool_result","tool_use_id":"call_{}","content":"{}"}}]}})",
            place - 1, said.text);
        break;
      case Speaker::kAssistant:
        raw(R"({"role":"assistant","content":)");
        if (said.tool.empty()) {
          put(R"("{}"}})", said.text);
        } else {
          anthropic_blocks(said, place);
          raw("}");
        }
        break;
      case Speaker::kUser:
        put(R"({{"role":"user","content":"{}"}})", said.text);
        break;
    }
  }
  void anthropic_blocks(const Said& said, size_t place) {
    if (said.tool.empty()) return put(R"([{{"type":"text","text":"{}"}}])", said.text);
    put(R"([{{"type":"tool_use","id":"call_{}","name":"{}","input":{{"path":"{}"}}}}])", place, said.tool, said.text);
  }

 private:
  std::string& line_;
};

constexpr std::string_view kOpenaiTools =
    R"(,"tools":[{"type":"function","function":{"name":"read_file","parameters":{"type":"object","properties":{"path":{"type":"string"}}}}},)"
    R"({"type":"function","function":{"name":"run_tests","parameters":{"type":"object","properties":{"path":{"type":"string"}}}}}])";
constexpr std::string_view kAnthropicTools =
    R"(,"tools":[{"name":"read_file","input_schema":{"type":"object","properties":{"path":{"type":"string"}}}},)"
    R"({"name":"run_tests","input_schema":{"type":"object","properties":{"path":{"type":"string"}}}}])";

void write_request(const Origin& origin, std::string_view model, const Request& request, Writer& out) {
  out.put(R"("request":{{"model":"{}")", model);
  out.raw(origin.parameters);
  if (!request.user.empty() && origin.anthropic) out.put(R"(,"metadata":{{"user_id":"{}"}})", request.user);
  if (!request.user.empty() && !origin.anthropic) out.put(R"(,"user":"{}")", request.user);
  if (request.offers_tools) out.raw(origin.anthropic ? kAnthropicTools : kOpenaiTools);
  if (!request.system.empty() && origin.anthropic) out.put(R"(,"system":"{}")", request.system);
  out.raw(R"(,"messages":[)");
  bool first = true;
  if (!request.system.empty() && !origin.anthropic) {
    out.put(R"({{"role":"system","content":"{}"}})", request.system);
    first = false;
  }
  for (size_t i = 0; i < request.turns.size(); ++i) {
    if (!first) out.raw(",");
    first = false;
    origin.anthropic ? out.anthropic_turn(request.turns[i], i) : out.openai_turn(request.turns[i], i);
  }
  out.raw(R"(]},"response":)");
}

void write_response(const Origin& origin, std::string_view model, const Request& request, Writer& out) {
  constexpr size_t kBytesPerToken = 4;
  constexpr size_t kFrameTokens = 8;  // role marks and the like
  size_t bytes = request.system.size();
  for (const Said& said : request.turns) bytes += said.text.size();
  const size_t prompt_tokens = bytes / kBytesPerToken + kFrameTokens;
  const size_t place = request.turns.size();
  const bool calls = !request.answer.tool.empty();
  if (origin.anthropic) {
    out.put(R"({{"type":"message","role":"assistant","model":"{}","content":)", model);
    out.anthropic_blocks(request.answer, place);
    out.put(R"(,"stop_reason":"{}","usage":{{"input_tokens":{},"output_tokens":{}}}}}}})",
            calls ? "tool_use" : "end_turn", prompt_tokens, request.answer_tokens);
  } else {
    out.put(R"({{"object":"chat.completion","model":"{}","choices":[{{"index":0,"message":{{)", model);
    out.openai_answer(request.answer, place);
    out.put(R"(,"finish_reason":"{}"}}],"usage":{{"prompt_tokens":{},"completion_tokens":{}}}}}}})",
            calls ? "tool_calls" : "stop", prompt_tokens, request.answer_tokens);
  }
}

}  // namespace

void write_line(base::Time time, const Origin& origin, std::string_view model, int status, const Request& request,
                std::string& line) {
  Writer out(line);
  out.put(R"({{"time":"{}","account":"{}","network":"{}","client":"{}",)", base::format_rfc3339(time), origin.account,
          origin.network, origin.client);
  out.put(R"("model":"{}","status":{},)", model, status);
  write_request(origin, model, request, out);
  if (status >= 400) {
    out.raw(R"({"error":{"type":"permission_error","message":"This account is suspended."}}})");
  } else {
    write_response(origin, model, request, out);
  }
  line += '\n';
}

}  // namespace stillwatch::population
